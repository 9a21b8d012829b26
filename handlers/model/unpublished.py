"""Which balance events an account still owes its subscribers (P5)."""

from collections.abc import Collection, Mapping

import msgspec
from msgspec.structs import replace

from handlers.model.account import Account


class EntryRange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Entries of one account after one sequence and up to another."""

    username: str
    after: int
    up_to: int


def owed_range(account: Account, writer: str, *, said: int = 0) -> EntryRange | None:
    """Return what must be published before anything of *writer*'s own, or None.

    Where the mark is *writer*'s, it published these events itself or is about to; the same goes for
    those up to *said* where another one wrote since.
    """
    after = max(account.published_sequence, said)
    if account.writer == writer or after >= account.sequence:
        return None
    return EntryRange(username=account.username, after=after, up_to=account.sequence)


def taken_over(
    accounts: Mapping[str, Account], signed_off: Collection[str], writer: str
) -> Mapping[str, Account]:
    """Return *accounts*, those marked by who *signed_off* as if *writer* had published them.

    A writer signs off when all it wrote is published, and writes nothing afterwards.
    """
    return {
        username: replace(account, writer=writer, published_sequence=account.sequence)
        if account.writer in signed_off
        else account
        for username, account in accounts.items()
    }
