"""Reads accounts and their histories page by page and computes them again."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from handlers.account import Account
from handlers.corrupt import CorruptDocument
from handlers.verification import Discrepancy, Recount, Violation, corrupt, unknown_account
from storage.ports import Ledger

PACE_ENTRIES = 1000
"""Entries between two calls of `pace`: about 10 ms of work."""

PASSING = {Violation.ENTRIES_AHEAD, Violation.UNKNOWN_ACCOUNT}
"""What also shows while an account is being written, between reading it and its history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecountedPage:
    """What one page of accounts came to."""

    accounts: int
    entries: int
    last: str | None
    """Where the next page starts; None at the end."""
    discrepancies: list[Discrepancy]


async def recount_page(
    ledger: Ledger, *, after: str, limit: int, pace: Callable[[int], Awaitable[None]]
) -> RecountedPage:
    """Compute up to *limit* accounts with usernames above *after* again from all their entries.

    *pace* is awaited now and then with the number of entries read since: sleep there to go slowly,
    or show progress. Safe beside running workers: what changes meanwhile is looked at once more.
    """
    page = await ledger.page(after=after, limit=limit)
    last = page[-1].username if len(page) == limit else None
    accounts = [each for each in page if isinstance(each, Account)]
    recounts = {account.username: Recount(account) for account in accounts}
    strangers = {each.username: corrupt(each) for each in page if isinstance(each, CorruptDocument)}
    entries = 0
    async for outcome in ledger.history(after=after, up_to=last):
        recount = recounts.get(outcome.username)
        if isinstance(outcome, CorruptDocument):
            recounts.pop(outcome.username, None)  # nothing adds up without it
            strangers[outcome.username] = corrupt(outcome)
        elif recount is not None:
            recount.add(outcome)
        else:
            strangers.setdefault(outcome.username, unknown_account(outcome))
        entries += 1
        if entries % PACE_ENTRIES == 0:
            await pace(PACE_ENTRIES)
    await pace(entries % PACE_ENTRIES)
    found = [one for recount in recounts.values() for one in recount.finish()]
    return RecountedPage(
        accounts=len(page),
        entries=entries,
        last=last,
        discrepancies=await _lasting(ledger, accounts, [*found, *strangers.values()]),
    )


async def _lasting(
    ledger: Ledger, accounts: Sequence[Account], found: list[Discrepancy]
) -> list[Discrepancy]:
    """Leave out what only showed because the account moved on while it was read."""
    versions = {account.username: account.version for account in accounts}
    lasting: list[Discrepancy] = []
    for one in found:
        if one.violation in PASSING:
            now = await ledger.account(one.username)
            if now is not None and now.version != versions.get(one.username):
                continue
        lasting.append(one)
    return lasting
