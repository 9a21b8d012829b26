"""`accounts send`: publish one command and print what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import SealingKeyFile, User
from cli.arguments.passwords import ClaimFile, PasswordFrom, claim, password
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
    from contracts.sealing import Purpose

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
    user: User,
    identity: OptionalIdentity,
    profile: OptionalProfile,
    delivery: Delivery,
    *,
    claim_file: ClaimFile = None,
    sealing_key: SealingKeyFile = None,
) -> None:
    """Open an account for a user who signs in elsewhere, or nowhere."""
    from contracts.registration import Open
    from contracts.sealing import Purpose

    delivery = _named(delivery)
    fields = {**given(identity, profile)}
    if claim_file is not None:
        secret = claim(claim_file)
        seal = _sealing(user, delivery, sealing_key)
        fields["sealed_claim"] = seal(secret, Purpose.OPEN_CLAIM)
    _send(Open, user, fields, delivery)


def send_register(  # noqa: PLR0913 - one option for each thing that may be given
    user: User,
    identity: Identity,
    profile: OptionalProfile,
    password_from: PasswordFrom,
    delivery: Delivery,
    *,
    claim_file: ClaimFile = None,
    sealing_key: SealingKeyFile = None,
) -> None:
    """Open an account to sign in to. The password leaves this machine sealed.

    With a claim, take over the account that was opened with it.
    """
    from contracts.registration import Register, Takeover
    from contracts.sealing import Purpose

    delivery = _named(delivery)
    known = None if claim_file is None else claim(claim_file)
    seal = _sealing(user, delivery, sealing_key)
    secret = password(password_from, confirm=True)
    fields = {
        **given(identity, profile),
        "sealed_password": seal(secret, Purpose.REGISTER_PASSWORD),
    }
    if known is not None:
        pair = Takeover(claim=known, password=secret)
        fields["sealed_claim"] = seal(pair.to_seal(), Purpose.REGISTER_CLAIM)
    _send(Register, user, fields, delivery)


def _named(delivery: Delivery) -> Delivery:
    """Return *delivery* with a command id: what is sealed is sealed for it."""
    return replace(delivery, command_id=delivery.command_id or fresh_name())


def _sealing(
    user: str, delivery: Delivery, sealing_key: Path | None
) -> "Callable[[str, Purpose], str]":
    """Return what seals a secret for this command."""
    import asyncio
    from functools import partial

    from cli.service.connection import key_to_seal_to
    from client.sealing import seal
    from workers.config.settings import load_settings

    key = asyncio.run(key_to_seal_to(load_settings(), sealing_key))
    assert delivery.command_id is not None
    bound = partial(
        seal, key=key, command_id=delivery.command_id, username=user, issued_at=utc_now()
    )
    return lambda secret, purpose: bound(secret, purpose=purpose)


def _send(
    kind: "type[AnyCommand]", user: str, fields: Mapping[str, Any], delivery: Delivery
) -> None:
    from cli.arguments.checking import checked
    from cli.service.delivery import deliver

    names = {"command_id": delivery.command_id or fresh_name(), "username": user}
    command = checked(kind, {**names, **fields})
    deliver(command, actor=delivery.actor, timeout_s=delivery.timeout, wait=not delivery.no_wait)
