"""`accounts keys`: make, replace and list the keys for secrets, tokens and accounts."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.groups import a_group
from cli.screen.output import CliError, output
from contracts.message import rfc3339
from workers.clock import utc_now
from workers.config.settings import Settings, load_settings
from workers.keys.files import read_keys, require
from workers.keys.pairs import KeyKind, KeyPair, in_use
from workers.keys.rotation import ACTIVATION_S, OVERLAP_S, add_key, make_missing, rotate

keys_app = a_group(
    "Make, replace and list the keys: sealing (passwords, tokens), signing (tokens), mac (accounts)."
)

OfKind = Annotated[KeyKind | None, typer.Option("--kind", help="Of this kind only.")]
Overlap = Annotated[
    int | None,
    typer.Option(
        "--overlap",
        metavar="SECONDS",
        min=0,
        help="How long the old keys still open and verify once the new ones are in use; "
        f"by default {OVERLAP_S[KeyKind.SEALING]} (sealing), {OVERLAP_S[KeyKind.SIGNING]} (signing). Mac keys stay good.",
    ),
]
Activation = Annotated[
    int,
    typer.Option(
        "--activation",
        metavar="SECONDS",
        min=0,
        help="How long the new keys are known before they are used.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(keys_app, name="keys")


@keys_app.command()
def new(kind: OfKind = None) -> None:
    """Make the keys that are missing; with --kind one more of that kind, replacing none."""
    directory, now = load_settings().keys_dir, utc_now()
    made = [add_key(directory, kind, now)] if kind else make_missing(directory, now)
    none = f"None is missing in {directory}; `accounts keys rotate` makes new ones."
    output().record(
        {"folder": str(directory), "made": _told(made)},
        *([_made(key, directory, now) for key in made] or [none]),
    )


@keys_app.command("rotate")
def replace(
    kind: OfKind = None, overlap_s: Overlap = None, activation_s: Activation = ACTIVATION_S
) -> None:
    """Make a new key of each kind; workers that run take it up, the old ones retire later."""
    settings, now = load_settings(), utc_now()
    directory, kinds = settings.keys_dir, [kind] if kind else list(KeyKind)
    if kind is KeyKind.MAC and overlap_s is not None:
        raise CliError(
            "mac keys have no --overlap: an old one is needed while accounts bear it; once "
            "accounts_other_mac_key is 0, delete its file"
        )
    if KeyKind.SIGNING in kinds:
        _check_overlap(settings, OVERLAP_S[KeyKind.SIGNING] if overlap_s is None else overlap_s)
    done = [
        rotate(directory, each, now, activation_s=activation_s, overlap_s=overlap_s)
        for each in kinds
    ]
    made = [rotation.made for rotation in done]
    replaced = [key for rotation in done for key in rotation.replaced]
    output().record(
        {"folder": str(directory), "made": _told(made), "replaced": _told(replaced)},
        *(_made(key, directory, now) for key in made),
        *map(_replaced, replaced),
    )


@keys_app.command("list")
def show() -> None:
    """List the keys, newest first; the files of retired ones may go."""
    directory, now = load_settings().keys_dir, utc_now()
    keys = [key for kind in KeyKind for key in read_keys(directory, kind)]
    if not keys:
        require(keys, list(KeyKind), directory, now)
    rows = [
        (key.kind.value, key.kid, rfc3339(key.created_at), _state(key, keys, now)) for key in keys
    ]
    output().table(("kind", "kid", "created_at", "state"), rows)


def _check_overlap(settings: Settings, overlap_s: int) -> None:
    least = settings.access_token_s + settings.token_leeway_s
    if overlap_s <= least:
        raise CliError(
            f"--overlap must be above {least} for signing keys: as long as access tokens that "
            "the old one signed are good (ACCOUNTS_ACCESS_TOKEN_S, ACCOUNTS_TOKEN_LEEWAY_S)"
        )


def _told(keys: Iterable[KeyPair]) -> list[dict[str, str | None]]:
    """Return what programs are told of *keys*."""
    return [
        {
            "kind": key.kind.value,
            "kid": key.kid,
            "created_at": rfc3339(key.created_at),
            "activates_at": rfc3339(key.activates_at),
            "retires_at": rfc3339(key.retires_at) if key.retires_at else None,
        }
        for key in keys
    ]


def _state(key: KeyPair, keys: Iterable[KeyPair], now: datetime) -> str:
    """Return what *key* is, among all of its kind."""
    if key.is_retired(now):
        return "retired"
    if key == in_use((other for other in keys if other.kind is key.kind), now):
        return "active"
    if key.activates_at > now:
        return f"waiting until {rfc3339(key.activates_at)}"
    return f"retiring until {rfc3339(key.retires_at)}" if key.retires_at else "superseded"


def _made(key: KeyPair, directory: Path, now: datetime) -> str:
    since = "now" if key.is_active(now) else rfc3339(key.activates_at)
    return f"Made the {key.kind.value} key {key.kid} in {directory}, in use from {since} on."


def _replaced(key: KeyPair) -> str:
    if key.retires_at is None:
        return (
            f"The {key.kind.value} key {key.kid} stays good: keep it while accounts bear it "
            "(accounts_other_mac_key)."
        )
    return f"The {key.kind.value} key {key.kid} is good until {rfc3339(key.retires_at)}."
