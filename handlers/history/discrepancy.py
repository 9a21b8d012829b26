"""What can be found not to hold of what is stored, and how it is reported."""

from enum import StrEnum

import msgspec

from handlers.model.corrupt import CorruptDocument


class Violation(StrEnum):
    """What does not hold."""

    SEQUENCE_GAP = "sequence_gap"
    """An entry is missing, or is there twice."""
    BROKEN_CHAIN = "broken_chain"
    """An entry does not start at what the one before it left."""
    WRONG_HASH = "wrong_hash"
    """An entry, or the account, does not carry the hash of the last entry: something was changed."""
    WRONG_DIRECTION = "wrong_direction"
    """A deposit took money or a withdrawal gave it."""
    WRONG_SCALE = "wrong_scale"
    """An entry counts in other minor units than the balance, or than the entries before it."""
    WRONG_ACCOUNT = "wrong_account"
    """An outcome names another account than the one its user has."""
    WRONG_TIME = "wrong_time"
    """Something happened before what must have come first."""
    HELD_WITHOUT_HOLD = "held_without_hold"
    """Money is held, but nothing that could hold it is recorded."""
    WRONG_SUM = "wrong_sum"
    """The entries do not add up to the posted balance."""
    WRONG_SEQUENCE = "wrong_sequence"
    """The account counts other entries than there are."""
    WRONG_VERSION = "wrong_version"
    """The account was written more often than its version says."""
    ENTRIES_AHEAD = "entries_ahead"
    """There are entries that the account does not count yet."""
    CORRUPT_DOCUMENT = "corrupt_document"
    """A document cannot be understood."""
    UNKNOWN_ACCOUNT = "unknown_account"
    """Something is stored of an account that does not exist."""
    EMAIL_UNCLAIMED = "email_unclaimed"
    """The account's e-mail address is not claimed for it: another account could take it."""
    STRAY_CLAIM = "stray_claim"
    """An e-mail address, or a sign-in name, is claimed for an account that uses another: nobody can
    take it."""
    NAME_UNCLAIMED = "name_unclaimed"
    """Nobody has claimed the sign-in name that the account's is but for case: it could be registered."""
    NO_CREDENTIAL = "no_credential"
    """The account has no credential, and none is on its way: nobody can sign in."""


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact about one account that does not hold. Names ids and amounts, no person."""

    username: str
    account_id: str
    """Empty where it cannot be told."""
    violation: Violation
    detail: str


def corrupt_document(document: CorruptDocument) -> Discrepancy:
    """Return what to report of *document*."""
    return Discrepancy(
        username=document.username,
        account_id="",
        violation=Violation.CORRUPT_DOCUMENT,
        detail=str(document),
    )
