"""Rules for opening an account."""

import uuid

from contracts.codes import Code
from contracts.registration import Open, Register, name_claim
from handlers.model.account import Account, Profile
from handlers.model.changes import Owners
from handlers.model.decision import Opened
from handlers.model.outcome import outcome_id
from handlers.model.refused import Refused

NAMESPACE = uuid.UUID("6f0f2b0e-0b57-5a1c-9d3e-6a3d6f7f6f11")
"""Of account ids. Changing it would change every id."""


def open_account(account: Account | None, command: Open, owners: Owners) -> Opened | Refused:
    """Open an account once per username and, where there is one, e-mail address."""
    return _opened(account, command, owners, signs_in=False)


def register(
    account: Account | None, command: Register, password_problem: Code | None, owners: Owners
) -> Opened | Refused:
    """Open an account to sign in to, unless there is one whose name differs in case alone."""
    if password_problem is not None:
        return Refused(code=password_problem, detail=password_problem.info.meaning)
    if name_claim(command.username) in owners.names:
        return _taken(command.username)
    return _opened(account, command, owners, signs_in=True)


def _opened(
    account: Account | None, command: Open | Register, owners: Owners, *, signs_in: bool
) -> Opened | Refused:
    if account is not None:
        return _taken(command.username)
    named = {name: getattr(command, name) for name in Profile.__struct_fields__}
    profile = Profile(**named)
    if profile.email_claim in owners.emails:
        return email_taken()
    return Opened(profile=profile, signs_in=signs_in)


def _taken(username: str) -> Refused:
    """Say that somebody has that name; not who has one like it."""
    return Refused(code=Code.USERNAME_TAKEN, detail=f"{username} is taken")


def email_taken() -> Refused:
    """Say that the address is in use, without repeating it: it is profile data."""
    return Refused(code=Code.EMAIL_TAKEN, detail="the e-mail address belongs to another account")


def account_id(username: str, command_id: str) -> str:
    """Return the id of the account that this command opens (RFC 9562 §5.5)."""
    return str(uuid.uuid5(NAMESPACE, outcome_id(username, command_id)))
