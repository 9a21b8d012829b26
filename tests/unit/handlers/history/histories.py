"""Histories to page through, and the pages that come of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from contracts.message import rfc3339
from contracts.queries import ListTransactions, Page
from handlers.history.pages import EntryQuery, PageBuilder, walk
from handlers.model.outcome import Outcome
from handlers.wire.encoding import encoded
from tests.builders import NOON, an_entry, an_outcome
from tests.unit.asking import a_question

SECOND = timedelta(seconds=1)


def a_query(**fields: Any) -> ListTransactions:
    query = a_question("list-transactions", **fields)
    assert isinstance(query, ListTransactions)
    return query


def entry(sequence: int, *, currency: str = "USD", kind: str = "deposit") -> Outcome:
    """Return the entry of that many seconds past noon."""
    gained = {"before_minor": 1000, "after_minor": 0} if kind == "withdraw" else {}
    return replace(
        an_outcome(sequence=sequence),
        type=kind,
        decided_at=NOON + sequence * SECOND,
        entry=an_entry(sequence, currency=currency, **gained),
    )


def at(sequence: int) -> str:
    return rfc3339(NOON + sequence * SECOND)


def read(history: Sequence[Outcome], stretch: EntryQuery) -> Sequence[Outcome]:
    newest = stretch.order == "newest"
    behind = [
        each
        for each in sorted(history, key=place, reverse=newest)
        if stretch.past is None
        or (place(each) < stretch.past if newest else place(each) > stretch.past)
    ]
    return behind[: stretch.limit]


def place(outcome: Outcome) -> int:
    assert outcome.entry is not None
    return outcome.entry.sequence


def one_page(history: Sequence[Outcome], query: ListTransactions) -> Page:
    page, _ = page_and_reads(history, query)
    return page


def page_and_reads(
    history: Sequence[Outcome], query: ListTransactions
) -> tuple[Page, list[EntryQuery]]:
    begun = walk(query)
    assert isinstance(begun, PageBuilder)
    reads: list[EntryQuery] = []
    while stretch := begun.next_read:
        reads.append(stretch)
        begun.take(stretch, read(history, stretch))
    return Page.model_validate_json(encoded(begun.page)), reads


def sequences(page: Page) -> list[int]:
    return [each.sequence for each in page.transactions]


MIXED = [
    entry(1),
    entry(2, currency="EUR"),
    entry(3, kind="withdraw"),
    entry(4),
    entry(5, currency="EUR", kind="withdraw"),
    entry(6),
]
