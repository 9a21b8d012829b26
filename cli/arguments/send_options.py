"""What the `send` commands take, in groups: the delivery, remarks, the profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.arguments.options import Actor, Timeout, flag, text
from client.timeouts import ANSWER_TIMEOUT_S

Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="Such as 10.50.")]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", help="Such as USD.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a command is sent."""

    command_id: Annotated[
        str | None,
        typer.Option(
            "--command-id",
            metavar="ID",
            help="Name of this command; sent again with the same id it takes effect once. "
            "A fresh one by default.",
        ),
    ] = None
    actor: Actor = None
    timeout: Timeout = ANSWER_TIMEOUT_S
    no_wait: Annotated[bool, flag("--no-wait", "Do not wait for the answer.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """What is kept beside an entry, and until when it may be decided."""

    reason: Annotated[str | None, text("--reason", "TEXT", "Kept with the entry.")] = None
    related_id: Annotated[str | None, text("--related-id", "ID", "Of what caused this.")] = None
    expires_at: Annotated[
        str | None, text("--expires-at", "TIME", "Refused when decided later (RFC 3339).")
    ] = None
    house: Annotated[
        str | None,
        text("--house", "NAME", "The house account on the other side; external by default."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalProfile:
    """What a user may leave out."""

    phone: Annotated[str | None, text("--phone", "NUMBER", "E.164, such as +14155550123.")] = None
    date_of_birth: Annotated[str | None, typer.Option("--date-of-birth", metavar="YYYY-MM-DD")] = (
        None
    )
    marketing_consent: Annotated[
        bool | None,
        typer.Option("--marketing-consent/--no-marketing-consent", show_default=False),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What every user has who registers."""

    email: Annotated[str, typer.Option("--email", metavar="ADDRESS")]
    first_name: Annotated[str, typer.Option("--first-name", metavar="NAME")]
    last_name: Annotated[str, typer.Option("--last-name", metavar="NAME")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalIdentity:
    """The same where they are changed, or not needed."""

    email: Annotated[str | None, typer.Option("--email", metavar="ADDRESS")] = None
    first_name: Annotated[str | None, typer.Option("--first-name", metavar="NAME")] = None
    last_name: Annotated[str | None, typer.Option("--last-name", metavar="NAME")] = None


def given(*groups: Any) -> Mapping[str, Any]:
    """Return the options of *groups* that were given, by the names of the contract's fields."""
    named = {name: getattr(group, name) for group in groups for name in group.__slots__}
    return {name: value for name, value in named.items() if value is not None}
