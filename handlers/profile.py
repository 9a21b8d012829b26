"""Rules for changing a profile."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from contracts.profile import UpdateProfile, email_claim
from handlers.account import Account
from handlers.decision import ProfileChanged, Refused
from handlers.ledger import unknown_account
from handlers.registration import email_taken


def update_profile(
    account: Account | None, command: UpdateProfile, email_owners: Mapping[str, str]
) -> ProfileChanged | Refused:
    """Change the fields that were sent; an address must be free or already this user's."""
    if account is None:
        return unknown_account(command.username)
    changes: dict[str, Any] = command.changes()
    if "email" in changes:
        owner = email_owners.get(email_claim(changes["email"]))
        if owner not in (None, command.username):
            return email_taken()
    return ProfileChanged(profile=replace(account.profile, **changes), fields=tuple(changes))
