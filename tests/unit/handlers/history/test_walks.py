"""Walking all pages of a history shows every matching entry once, while money moves."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.message import rfc3339
from handlers.model.outcome import Outcome
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.memory.reads import MemoryReads
from tests.builders import NOON, an_account, an_entry, an_outcome
from tests.ports.written import write
from tests.unit.asking import asked, reply_of
from workers.requests.queries import QueryAnswerer

ENTRIES = st.tuples(
    st.sampled_from(["USD", "EUR"]),
    st.sampled_from(["deposit", "withdraw"]),
    st.integers(0, 2),  # seconds since the entry before: time may stand still, never go back
)
TIMES = st.none() | st.integers(-1, 40)
FILTERS = st.fixed_dictionaries(
    {
        "currency": st.sampled_from([None, "USD", "EUR", "JPY"]),
        "kind": st.sampled_from([None, "deposited", "withdrawn"]),
        "from": TIMES,
        "to": TIMES,
        "limit": st.integers(1, 6),
    }
)
BOUNDS = st.fixed_dictionaries(
    {
        "handlers.history.pages.SCAN_MAX": st.integers(1, 12),
        "handlers.history.pages.READ_MAX": st.integers(2, 7),
        "handlers.history.start_search.SKIP_MIN": st.integers(1, 4),
    }
)


class GrowingHistory:
    """An account whose entries are written one by one."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.entries: list[Outcome] = []
        reads, credentials = MemoryReads(self.ledger), MemoryCredentials(self.ledger)
        self.answerer = QueryAnswerer(reads, credentials, lambda: NOON)
        self._now = NOON

    async def append(self, entries: Sequence[tuple[str, str, int]]) -> None:
        for currency, kind, seconds in entries:
            self._now += timedelta(seconds=seconds)
            sequence = len(self.entries) + 1
            moved = {"before_minor": 1000, "after_minor": 0} if kind == "withdraw" else {}
            outcome = replace(
                an_outcome(sequence=sequence),
                type=kind,
                decided_at=self._now,
                entry=an_entry(sequence, currency=currency, **moved),
            )
            self.entries.append(outcome)
            account = an_account(sequence=sequence, version=sequence + 1)
            await write(self.ledger, accounts=[account], outcomes=[outcome])

    async def page(self, filters: dict[str, Any]) -> tuple[list[int], str | None]:
        (said,) = await self.answerer.answer([asked("list-transactions", **filters)])
        page = reply_of(said).page
        assert page is not None
        assert len(page.transactions) <= filters["limit"]
        return [each.sequence for each in page.transactions], page.next_cursor


def matching(entries: Sequence[Outcome], filters: dict[str, Any]) -> list[int]:
    """Return what the filters let pass, written another way than the code under test."""
    found: list[int] = []
    for outcome in entries:
        entry, at = outcome.entry, rfc3339(outcome.decided_at)
        assert entry is not None
        kept = [
            filters.get("currency") in (None, entry.currency),
            filters.get("kind") in (None, {"deposit": "deposited"}.get(outcome.type, "withdrawn")),
            filters.get("from", "") <= at,
            at < filters.get("to", "9"),
        ]
        if all(kept):
            found.append(entry.sequence)
    return found


def spoken(filters: dict[str, Any], order: str) -> dict[str, Any]:
    """Return the fields of the question."""
    said = {name: value for name, value in filters.items() if value is not None}
    for name in {"from", "to"} & said.keys():
        said[name] = rfc3339(NOON + timedelta(seconds=said[name]))
    return said | {"order": order}


@pytest.mark.parametrize("order", ["newest", "oldest"])
@given(
    before=st.lists(ENTRIES, max_size=30),
    between=st.lists(st.lists(ENTRIES, max_size=3), max_size=8),
    filters=FILTERS,
    bounds=BOUNDS,
)
async def test_every_matching_entry_is_shown_once(
    order: str,
    before: list[tuple[str, str, int]],
    between: list[list[tuple[str, str, int]]],
    filters: dict[str, Any],
    bounds: dict[str, int],
) -> None:
    question = spoken(filters, order)
    with pytest.MonkeyPatch.context() as patch:
        for name, bound in bounds.items():
            patch.setattr(name, bound)
        story = GrowingHistory()
        await write(story.ledger, accounts=[an_account()])
        await story.append(before)

        shown, cursor = await story.page(question)
        while cursor is not None:
            await story.append(between.pop() if between else [])
            sequences, cursor = await story.page(question | {"cursor": cursor})
            shown += sequences

    first = matching(story.entries[: len(before)], question)
    if order == "newest":
        assert shown == first[::-1]
    else:
        last_walk = matching(story.entries, question)
        assert shown == last_walk[: len(shown)]
        assert shown[: len(first)] == first
