"""Rules for changing a profile."""

from datetime import date
from typing import Any

from msgspec.structs import replace

from contracts.problems import Problem, field_error
from contracts.profile import UpdateProfile, email_claim
from handlers.ledger.movements import unknown_account
from handlers.ledger.registration import email_taken
from handlers.model.account import Account
from handlers.model.changes import Owners
from handlers.model.decision import ProfileChanged
from handlers.model.refused import Refused, invalid_command

EPOCH_DAY = date(1970, 1, 1).toordinal()
DAY_MS = 24 * 3600 * 1000
FIRST_ZONE_MS = 14 * 3600 * 1000
"""Where a day begins first, it does 14 hours before UTC (Line Islands)."""


def is_unborn(born: date | None, timestamp_ms: int) -> bool:
    """Say whether the day *born* had begun nowhere on earth when the command was sent.

    Counted in days: broker time may be beyond what a `datetime` can hold.
    """
    if born is None:
        return False
    return born.toordinal() > EPOCH_DAY + (timestamp_ms + FIRST_ZONE_MS) // DAY_MS


def unborn() -> Refused:
    """Say that a date of birth lies in the future: no decision, because the day will come."""
    return invalid_command([field_error("date_of_birth", Problem.DATE_IN_FUTURE)])


def update_profile(
    account: Account | None, command: UpdateProfile, owners: Owners
) -> ProfileChanged | Refused:
    """Change the fields that were sent; an address must be free or already this user's."""
    if account is None:
        return unknown_account(command.username)
    changes: dict[str, Any] = command.changes()
    if "email" in changes:
        owner = owners.emails.get(email_claim(changes["email"]))
        if owner not in (None, command.username):
            return email_taken()
    return ProfileChanged(profile=replace(account.profile, **changes), fields=tuple(changes))
