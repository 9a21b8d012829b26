"""Rules for opening an account, and for taking over one that was opened."""

import hmac
import uuid

from contracts.codes import Code
from contracts.registration import Open, Register, name_claim
from handlers.ledger.movements import unknown_account
from handlers.model.account import Account, Profile
from handlers.model.changes import Owners
from handlers.model.decision import Opened, TakenOver
from handlers.model.input_records import Judged
from handlers.model.outcome import outcome_id
from handlers.model.refused import Refused

NAMESPACE = uuid.UUID("6f0f2b0e-0b57-5a1c-9d3e-6a3d6f7f6f11")
"""Of account ids. Changing it would change every id."""


def open_account(
    account: Account | None, command: Open, judged: Judged, owners: Owners
) -> Opened | Refused:
    """Open an account once per username and, where there is one, e-mail address."""
    if judged.problem is not None:
        return _not_usable(judged.problem)
    if account is not None:
        return _taken(command.username)
    profile = _profile(command)
    if profile.email_claim in owners.emails:
        return email_taken()
    return Opened(profile=profile, signs_in=False, claim_digest=judged.claim_digest)


def register(
    account: Account | None, command: Register, judged: Judged, owners: Owners
) -> Opened | TakenOver | Refused:
    """Open an account to sign in to, unless there is one whose name differs in case alone.

    With a claim, take over the account there is, and open none: it may only not have been read yet.
    """
    if judged.problem is not None:
        return _not_usable(judged.problem)
    username = command.username
    if owners.names.get(name_claim(username) or username, username) != username:
        return _taken(username)
    profile = _profile(command)
    owner = owners.emails.get(profile.email_claim or "")
    if account is None:
        if judged.claim_digest is not None:
            return unknown_account(username)
        return email_taken() if owner is not None else Opened(profile=profile, signs_in=True)
    if not _is_claimed(account, judged.claim_digest):
        return _taken(username)
    return email_taken() if owner not in (None, username) else TakenOver(profile=profile)


def _is_claimed(account: Account, claim_digest: bytes | None) -> bool:
    """Say whether *account* waits for who has that claim, in the same time wherever digests differ."""
    expected = account.claim_digest
    return (
        expected is not None
        and claim_digest is not None
        and hmac.compare_digest(expected, claim_digest)
    )


def _profile(command: Open | Register) -> Profile:
    """Return the profile that was sent: nothing of what an account had before is left in it."""
    return Profile(**{name: getattr(command, name) for name in Profile.__struct_fields__})


def _not_usable(problem: Code) -> Refused:
    return Refused(code=problem, detail=problem.info.meaning)


def _taken(username: str) -> Refused:
    """Say that somebody has that name; not who has one like it."""
    return Refused(code=Code.USERNAME_TAKEN, detail=f"{username} is taken")


def email_taken() -> Refused:
    """Say that the address is in use, without repeating it: it is profile data."""
    return Refused(code=Code.EMAIL_TAKEN, detail="the e-mail address belongs to another account")


def account_id(username: str, command_id: str) -> str:
    """Return the id of the account that this command opens (RFC 9562 §5.5)."""
    return str(uuid.uuid5(NAMESPACE, outcome_id(username, command_id)))
