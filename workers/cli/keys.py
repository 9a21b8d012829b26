"""`accounts keys`: make and list the keys that passwords are sealed to."""

from collections.abc import Sequence

import typer

from contracts.message import rfc3339
from workers.cli.output import output
from workers.clock import utc_now
from workers.config import load_settings
from workers.keys import SealingKey, new_key, read_keys

keys_app = typer.Typer(
    help="Make and list the keys that passwords are sealed to.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(keys_app, name="keys")


@keys_app.command()
def new() -> None:
    """Make a key; it is published from now on, older ones still open what was sealed to them."""
    directory = load_settings().keys_dir
    key = new_key(directory, utc_now())
    output().record(
        {"kid": key.kid, "created_at": rfc3339(key.created_at), "folder": str(directory)},
        f"Made {key.kid} in {directory}. Workers that read this folder publish it within seconds.",
    )


@keys_app.command("list")
def show() -> None:
    """List the keys, newest first; the files of retired ones may go once no topic needs them."""
    keys = read_keys(load_settings().keys_dir)
    rows = [
        (key.kid, rfc3339(key.created_at), state)
        for key, state in zip(keys, _states(keys), strict=True)
    ]
    output().table(("kid", "created_at", "state"), rows)


def _states(keys: Sequence[SealingKey]) -> list[str]:
    """Return what each key is; one is retired by the next newer one."""
    return ["published", *(f"retired {rfc3339(newer.created_at)}" for newer in keys[:-1])]
