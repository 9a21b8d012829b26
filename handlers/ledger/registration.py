"""Rules for opening an account."""

import uuid
from collections.abc import Mapping

from contracts.codes import Code
from contracts.profile import email_claim
from contracts.registration import Register
from handlers.model.account import Account, Profile
from handlers.model.decision import Opened
from handlers.model.outcome import outcome_id
from handlers.model.refused import Refused

NAMESPACE = uuid.UUID("6f0f2b0e-0b57-5a1c-9d3e-6a3d6f7f6f11")
"""Of account ids. Changing it would change every id."""


def register(
    account: Account | None,
    command: Register,
    password_problem: Code | None,
    email_owners: Mapping[str, str],
) -> Opened | Refused:
    """Open an account once per username and e-mail address."""
    if password_problem is not None:
        return Refused(code=password_problem, detail=password_problem.info.meaning)
    if account is not None:
        return Refused(code=Code.USERNAME_TAKEN, detail=f"{command.username} is taken")
    if email_claim(command.email) in email_owners:
        return email_taken()
    named = {name: getattr(command, name) for name in Profile.__struct_fields__}
    return Opened(profile=Profile(**named))


def email_taken() -> Refused:
    """Say that the address is in use, without repeating it: it is profile data."""
    return Refused(code=Code.EMAIL_TAKEN, detail="the e-mail address belongs to another account")


def account_id(username: str, command_id: str) -> str:
    """Return the id of the account that this command opens (RFC 9562 §5.5)."""
    return str(uuid.uuid5(NAMESPACE, outcome_id(username, command_id)))
