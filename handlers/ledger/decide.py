"""Which rule answers which command: the only branching on a command's type."""

from datetime import datetime
from typing import assert_never

from contracts.codes import Code
from contracts.commands import is_movement
from contracts.ledger import Deposit, Movement, Withdraw
from contracts.message import rfc3339
from contracts.profile import UpdateProfile
from contracts.registration import Open, Register
from handlers.ledger import movements as ledger
from handlers.ledger import profile, registration
from handlers.model.account import Account
from handlers.model.changes import Owners
from handlers.model.decision import Decision
from handlers.model.input_records import CommandRecord
from handlers.model.refused import Refused
from handlers.model.rules import Rules


def decide(
    account: Account | None,
    received: CommandRecord,
    owners: Owners,
    *,
    rules: Rules,
    now: datetime,
) -> Decision:
    """Return what the command makes happen, or why nothing does."""
    if (refused := received.refused or _untimely(received, now)) is not None:
        return refused
    match command := received.command:
        case Deposit():
            return ledger.deposit(account, command, rules)
        case Withdraw():
            return ledger.withdraw(account, command, rules)
        case Open():
            return registration.open_account(account, command, received.judged, owners)
        case Register():
            return registration.register(account, command, received.judged, owners)
        case UpdateProfile():
            return profile.update_profile(account, command, owners)
        case _:
            assert_never(command)


def _untimely(received: CommandRecord, now: datetime) -> Refused | None:
    command = received.command
    return _expired(command, now) if is_movement(command) else _unborn(received)


def _expired(command: Movement, now: datetime) -> Refused | None:
    """Return that the sender gave up on *command* before it was decided, if so."""
    if command.expires_at is None or now <= command.expires_at:
        return None
    return Refused(
        code=Code.EXPIRED,
        detail=f"expired at {rfc3339(command.expires_at)}, decided at {rfc3339(now)}",
    )


def _unborn(received: CommandRecord) -> Refused | None:
    """Return that the date of birth in a profile is still to come, if so."""
    command = received.command
    if not isinstance(command, Open | Register | UpdateProfile):
        return None
    if not profile.is_unborn(command.date_of_birth, received.timestamp_ms):
        return None
    return profile.unborn()
