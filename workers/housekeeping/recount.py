"""Reads accounts and their histories page by page and computes them again."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeAlias

from handlers.history.discrepancy import Discrepancy, Violation, corrupt_document
from handlers.history.verification import Recount, unknown_account
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.ports.errors import CorruptDocumentError
from storage.ports.inspection import Inspection
from storage.ports.ledger import Ledger

PACE_ENTRIES = 1000
"""Entries between two calls of `pace`: about 10 ms of work, so that nobody waits long for a turn."""

PASSING = {Violation.ENTRIES_AHEAD, Violation.UNKNOWN_ACCOUNT}
"""What also shows while an account is being written, between reading it and its history."""

Pace: TypeAlias = Callable[[int], Awaitable[None]]
"""Awaited now and then with how many documents were read since: sleep there to go slowly, or show
progress."""

Witness: TypeAlias = Callable[[Outcome], None]
"""Told of every entry that can be understood, for whoever compares it with more."""


def _ignore(outcome: Outcome) -> None:
    del outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RecountedPage:
    """What one page of accounts came to."""

    accounts: int
    entries: int
    last: str | None
    """Where the next page starts; None at the end."""
    discrepancies: list[Discrepancy]
    corrupt: list[CorruptDocument]
    """What cannot be understood; each is among the discrepancies, too."""
    readable: Sequence[Account] = ()
    """The accounts themselves, for whoever compares them with more."""


async def recount_page(
    ledger: Ledger,
    *,
    after: str,
    limit: int,
    pace: Pace,
    witness: Witness = _ignore,
    lanes: int = 1,
) -> RecountedPage:
    """Compute up to *limit* accounts with usernames above *after* again from all their entries.

    Safe beside running workers: what changes meanwhile is looked at once more. With several *lanes*
    so many parts of the page are read side by side.
    """
    found = await ledger.page(after=after, limit=limit)
    last = _username(found[-1]) if len(found) == limit else None
    size = max(1, ceil(len(found) / lanes))
    parts = [found[start : start + size] for start in range(0, len(found), size)] or [found]
    ends = [*(_username(part[-1]) for part in parts[:-1]), last]
    starts = [after, *ends[:-1]]
    pages = await _together(
        _recounted(
            ledger,
            {_username(each): each for each in part},
            _seen(ledger.history(after=start or "", up_to=end), witness),
            pace,
        )
        for part, start, end in zip(parts, starts, ends, strict=True)
    )
    return _joined(pages, last)


async def recount_accounts(
    ledger: Ledger,
    inspection: Inspection,
    usernames: Sequence[str],
    *,
    pace: Pace,
    witness: Witness = _ignore,
) -> RecountedPage:
    """Compute these accounts again from all their entries, as `recount_page` does."""
    accounts = await inspection.accounts(usernames)

    async def entries() -> AsyncIterator[Outcome | CorruptDocument]:
        for username in usernames:
            async for outcome in inspection.entries(username):
                yield outcome

    return await _recounted(ledger, accounts, _seen(entries(), witness), pace)


async def _recounted(
    ledger: Ledger,
    accounts: Mapping[str, Account | CorruptDocument],
    history: AsyncIterator[Outcome | CorruptDocument],
    pace: Pace,
) -> RecountedPage:
    readable = {name: one for name, one in accounts.items() if isinstance(one, Account)}
    recounts = {name: Recount(account) for name, account in readable.items()}
    corrupt = [one for one in accounts.values() if isinstance(one, CorruptDocument)]
    others: dict[str, Discrepancy] = {}
    damaged = [corrupt_document(one) for one in corrupt]
    entries = 0
    async for outcome in history:
        if isinstance(outcome, CorruptDocument):
            corrupt.append(outcome)
        if recount := recounts.get(outcome.username):
            recount.add(outcome)
        elif isinstance(outcome, CorruptDocument):
            damaged.append(corrupt_document(outcome))
        elif outcome.username not in accounts:
            others.setdefault(outcome.username, unknown_account(outcome))
        entries += 1
        if entries % PACE_ENTRIES == 0:
            await pace(PACE_ENTRIES)
    await pace(entries % PACE_ENTRIES + len(accounts))
    found = [one for recount in recounts.values() for one in recount.finish()]
    return RecountedPage(
        accounts=len(accounts),
        entries=entries,
        last=None,
        discrepancies=await _lasting(ledger, readable, [*damaged, *found, *others.values()]),
        corrupt=corrupt,
        readable=list(readable.values()),
    )


async def _together(
    parts: Iterable[Coroutine[Any, Any, RecountedPage]],
) -> Sequence[RecountedPage]:
    """Do all *parts*; where one fails, none goes on behind its caller's back."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _joined(pages: Sequence[RecountedPage], last: str | None) -> RecountedPage:
    return RecountedPage(
        accounts=sum(page.accounts for page in pages),
        entries=sum(page.entries for page in pages),
        last=last,
        discrepancies=[one for page in pages for one in page.discrepancies],
        corrupt=[one for page in pages for one in page.corrupt],
        readable=[one for page in pages for one in page.readable],
    )


async def _seen(
    history: AsyncIterator[Outcome | CorruptDocument], witness: Witness
) -> AsyncIterator[Outcome | CorruptDocument]:
    async for outcome in history:
        if isinstance(outcome, Outcome):
            witness(outcome)
        yield outcome


async def _lasting(
    ledger: Ledger, accounts: Mapping[str, Account], found: list[Discrepancy]
) -> list[Discrepancy]:
    """Leave out what only showed because the account moved on while it was read."""
    lasting: list[Discrepancy] = []
    for one in found:
        if one.violation in PASSING:
            was = accounts.get(one.username)
            try:
                now = await ledger.account(one.username)
            except CorruptDocumentError:
                continue  # it is reported as such, now or in the next round
            if now is not None and (was is None or now.version != was.version):
                continue
        lasting.append(one)
    return lasting


def _username(found: Account | CorruptDocument) -> str:
    return found.username if isinstance(found, Account) else found.id
