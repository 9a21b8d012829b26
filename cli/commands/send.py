"""`accounts send`: publish one command and print what became of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import SealingKeyFile, User
from cli.arguments.passwords import PasswordFrom, password
from cli.arguments.send_options import (
    Amount,
    Currency,
    Delivery,
    Identity,
    OptionalIdentity,
    OptionalProfile,
    Remarks,
    given,
)
from cli.groups import a_group
from workers.clock import fresh_name, utc_now

if TYPE_CHECKING:
    from contracts.commands import AnyCommand

CLEARED = ""
"""What clears an optional field on the command line: an empty value."""

HELP = (
    "Send one command and print its result: exit code 0 accepted, 3 rejected, "
    "4 no answer in time (the outcome is unknown), 2 not sent."
)


def register(app: typer.Typer) -> None:
    """Add `send` to *app*."""
    send = a_group(HELP)
    add_command(send, "deposit", send_deposit)
    add_command(send, "withdraw", send_withdraw)
    add_command(send, "update-profile", send_update_profile)
    add_command(send, "open", send_open)
    add_command(send, "register", send_register)
    app.add_typer(send, name="send")


def send_deposit(
    user: User, amount: Amount, currency: Currency, remarks: Remarks, delivery: Delivery
) -> None:
    """Add settled money."""
    from contracts.ledger import Deposit

    _send(Deposit, user, {"amount": amount, "currency": currency, **given(remarks)}, delivery)


def send_withdraw(
    user: User, amount: Amount, currency: Currency, remarks: Remarks, delivery: Delivery
) -> None:
    """Take settled money."""
    from contracts.ledger import Withdraw

    _send(Withdraw, user, {"amount": amount, "currency": currency, **given(remarks)}, delivery)


def send_update_profile(
    user: User, identity: OptionalIdentity, profile: OptionalProfile, delivery: Delivery
) -> None:
    """Change the profile fields given; an empty value clears an optional one."""
    from contracts.profile import UpdateProfile

    _send(UpdateProfile, user, profile_changes(identity, profile), delivery)


def profile_changes(identity: OptionalIdentity, profile: OptionalProfile) -> Mapping[str, Any]:
    """Return the fields of an update-profile as they were given, None where one is cleared."""
    cleared = {name: None for name, value in given(profile).items() if value == CLEARED}
    return {**given(identity, profile), **cleared}


def send_open(
    user: User, identity: OptionalIdentity, profile: OptionalProfile, delivery: Delivery
) -> None:
    """Open an account for a user who signs in elsewhere, or nowhere."""
    from contracts.registration import Open

    _send(Open, user, {**given(identity, profile)}, delivery)


def send_register(
    user: User,
    identity: Identity,
    profile: OptionalProfile,
    password_from: PasswordFrom,
    delivery: Delivery,
    *,
    sealing_key: SealingKeyFile = None,
) -> None:
    """Open an account to sign in to. The password leaves this machine sealed."""
    import asyncio

    from cli.service.connection import key_to_seal_to
    from client.sealing import seal
    from contracts.registration import Register
    from contracts.sealing import Purpose
    from workers.config.settings import load_settings

    key = asyncio.run(key_to_seal_to(load_settings(), sealing_key))
    command_id = delivery.command_id or fresh_name()
    sealed = seal(
        password(password_from, confirm=True),
        key=key,
        purpose=Purpose.REGISTER_PASSWORD,
        command_id=command_id,
        username=user,
        issued_at=utc_now(),
    )
    fields = {**given(identity, profile), "sealed_password": sealed}
    _send(Register, user, fields, replace(delivery, command_id=command_id))


def _send(
    kind: "type[AnyCommand]", user: str, fields: Mapping[str, Any], delivery: Delivery
) -> None:
    from cli.arguments.checking import checked
    from cli.service.delivery import deliver

    names = {"command_id": delivery.command_id or fresh_name(), "username": user}
    command = checked(kind, {**names, **fields})
    deliver(command, actor=delivery.actor, timeout_s=delivery.timeout, wait=not delivery.no_wait)
