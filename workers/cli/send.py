"""`accounts send`: publish one command and print what became of it."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from client.asking import ANSWER_TIMEOUT_S
from client.sealing import seal
from contracts.ledger import Deposit, Movement, Withdraw
from contracts.message import Command
from contracts.profile import UpdateProfile
from contracts.registration import Register
from contracts.sealing import Purpose
from workers.cli.connection import key_to_seal_to
from workers.cli.delivery import deliver
from workers.cli.output import CliError
from workers.clock import fresh_name, utc_now
from workers.config import load_settings

C = TypeVar("C", bound=Command)
M = TypeVar("M", bound=Movement)

CLEARED = ""
"""What clears an optional field on the command line: an empty value."""

User = Annotated[str, typer.Argument(metavar="USER", help="Whose account.", show_default=False)]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="Such as 10.50.")]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", help="Such as USD.")]
CommandId = Annotated[
    str | None,
    typer.Option(
        "--command-id",
        metavar="ID",
        help="Name of this command; sent again with the same id it takes effect once. "
        "A fresh one by default.",
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long to wait.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for the answer.")]
Actor = Annotated[
    str | None, typer.Option("--actor", metavar="TEXT", help="Who asks; stored and audited.")
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Kept with the entry.")
]
Related = Annotated[
    str | None, typer.Option("--related-id", metavar="ID", help="Of what caused this.")
]
Expires = Annotated[
    str | None,
    typer.Option("--expires-at", metavar="TIME", help="Refused when decided later (RFC 3339)."),
]
Email = Annotated[str | None, typer.Option("--email", metavar="ADDRESS")]
FirstName = Annotated[str | None, typer.Option("--first-name", metavar="NAME")]
LastName = Annotated[str | None, typer.Option("--last-name", metavar="NAME")]
Phone = Annotated[
    str | None, typer.Option("--phone", metavar="NUMBER", help="E.164, such as +14155550123.")
]
Born = Annotated[str | None, typer.Option("--date-of-birth", metavar="YYYY-MM-DD")]
Consent = Annotated[
    bool | None,
    typer.Option("--marketing-consent/--no-marketing-consent", show_default=False),
]

send = typer.Typer(
    help="Send one command and print its result: exit code 0 accepted, 3 rejected, "
    "4 no answer in time (the outcome is unknown), 2 not sent.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add `send` to *app*."""
    app.add_typer(send, name="send")


@send.command("deposit")
def send_deposit(  # noqa: PLR0913 - each is an option of the command line
    user: User,
    amount: Amount,
    currency: Currency,
    *,
    reason: Reason = None,
    related_id: Related = None,
    expires_at: Expires = None,
    command_id: CommandId = None,
    actor: Actor = None,
    timeout: Timeout = ANSWER_TIMEOUT_S,
    no_wait: NoWait = False,
) -> None:
    """Add settled money."""
    given = {"amount": amount, "currency": currency, "reason": reason, "related_id": related_id}
    command = _movement(Deposit, user, command_id, given, expires_at)
    deliver(command, actor=actor, timeout_s=timeout, wait=not no_wait)


@send.command("withdraw")
def send_withdraw(  # noqa: PLR0913 - each is an option of the command line
    user: User,
    amount: Amount,
    currency: Currency,
    *,
    reason: Reason = None,
    related_id: Related = None,
    expires_at: Expires = None,
    command_id: CommandId = None,
    actor: Actor = None,
    timeout: Timeout = ANSWER_TIMEOUT_S,
    no_wait: NoWait = False,
) -> None:
    """Take settled money."""
    given = {"amount": amount, "currency": currency, "reason": reason, "related_id": related_id}
    command = _movement(Withdraw, user, command_id, given, expires_at)
    deliver(command, actor=actor, timeout_s=timeout, wait=not no_wait)


@send.command("update-profile")
def send_update_profile(  # noqa: PLR0913 - each is an option of the command line
    user: User,
    *,
    email: Email = None,
    first_name: FirstName = None,
    last_name: LastName = None,
    phone: Phone = None,
    date_of_birth: Born = None,
    marketing_consent: Consent = None,
    command_id: CommandId = None,
    actor: Actor = None,
    timeout: Timeout = ANSWER_TIMEOUT_S,
    no_wait: NoWait = False,
) -> None:
    """Change the profile fields given; --phone "" and --date-of-birth "" clear them."""
    given: dict[str, Any] = {"email": email, "first_name": first_name, "last_name": last_name}
    given |= {"phone": phone, "date_of_birth": date_of_birth}
    given["marketing_consent"] = marketing_consent
    changes = {name: value for name, value in given.items() if value is not None}
    for name in ("phone", "date_of_birth"):
        if changes.get(name) == CLEARED:
            changes[name] = None
    command = _checked(UpdateProfile, user, command_id, changes)
    deliver(command, actor=actor, timeout_s=timeout, wait=not no_wait)


@send.command("register")
def send_register(  # noqa: PLR0913 - each is an option of the command line
    user: User,
    *,
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS")],
    first_name: Annotated[str, typer.Option("--first-name", metavar="NAME")],
    last_name: Annotated[str, typer.Option("--last-name", metavar="NAME")],
    phone: Phone = None,
    date_of_birth: Born = None,
    marketing_consent: Consent = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    sealing_key: Annotated[
        Path | None,
        typer.Option(
            "--sealing-key",
            metavar="FILE",
            help="The service's public key (JWK or JWKS); by default its sidecar is asked.",
        ),
    ] = None,
    command_id: CommandId = None,
    actor: Actor = None,
    timeout: Timeout = ANSWER_TIMEOUT_S,
    no_wait: NoWait = False,
) -> None:
    """Open an account. The password leaves this machine sealed."""
    given: dict[str, Any] = {"email": email, "first_name": first_name, "last_name": last_name}
    given |= {"phone": phone, "date_of_birth": date_of_birth}
    given["marketing_consent"] = marketing_consent
    command_id = command_id or fresh_name()
    key = asyncio.run(key_to_seal_to(load_settings(), sealing_key))
    given["sealed_password"] = seal(
        _password(from_stdin=password_stdin),
        key=key,
        purpose=Purpose.REGISTER_PASSWORD,
        command_id=command_id,
        username=user,
        issued_at=utc_now(),
    )
    command = _checked(Register, user, command_id, _present(given))
    deliver(command, actor=actor, timeout_s=timeout, wait=not no_wait)


def _movement(
    kind: type[M],
    user: str,
    command_id: str | None,
    given: Mapping[str, Any],
    expires_at: str | None,
) -> M:
    return _checked(kind, user, command_id, _present({**given, "expires_at": expires_at}))


def _present(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _checked(kind: type[C], user: str, command_id: str | None, given: Mapping[str, Any]) -> C:
    """Build the command as if it were read from JSON, so that the service's own rules hold."""
    body = {"command_id": command_id or fresh_name(), "username": user, **given}
    try:
        return kind.model_validate_json(json.dumps(body))
    except ValidationError as error:
        raise CliError(
            *(_problem(kind, detail) for detail in error.errors(include_input=False))
        ) from None


def _problem(kind: type[Command], detail: Mapping[str, Any]) -> str:
    loc = [str(part) for part in detail["loc"]]
    if not loc:
        return str(detail["msg"]).removeprefix("Value error, ")
    examples = kind.model_fields[loc[0]].examples if loc[0] in kind.model_fields else None
    if detail["type"] == "string_pattern_mismatch" and examples:
        return f"{loc[0]}: write it like {examples[0]}"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(loc)}: {message[0].lower()}{message[1:]}"


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CliError("no terminal to ask for the password; give it with --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
