"""Which balance events an account still owes its subscribers (P5)."""

import msgspec

from handlers.account import Account


class EntryRange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Entries of one account after one sequence and up to another."""

    username: str
    after: int
    up_to: int


def owed_range(account: Account, writer: str) -> EntryRange | None:
    """Return what must be published before anything of *writer*'s own, or None.

    Where the mark is *writer*'s, it published these events itself or is about to.
    """
    if account.writer == writer or account.published_sequence == account.sequence:
        return None
    return EntryRange(
        username=account.username, after=account.published_sequence, up_to=account.sequence
    )
