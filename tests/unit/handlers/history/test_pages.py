"""Pages of a history: filters and bounds."""

from typing import Any

import pytest
from msgspec.structs import replace

from handlers.history.pages import (
    PAGE_BYTES_MAX,
    READ_MAX,
    SCAN_MAX,
    EntryQuery,
    PageBuilder,
    walk,
)
from handlers.wire.encoding import encoded
from handlers.wire.rendering import Rendering
from tests.builders import an_entry
from tests.unit.handlers.history.histories import (
    MIXED,
    a_query,
    at,
    entry,
    one_page,
    page_and_reads,
    sequences,
)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [6, 5, 4, 3, 2, 1]),
        ({"order": "newest"}, [6, 5, 4, 3, 2, 1]),
        ({"order": "oldest"}, [1, 2, 3, 4, 5, 6]),
        ({"currency": "USD"}, [6, 4, 3, 1]),
        ({"currency": "EUR"}, [5, 2]),
        ({"currency": "JPY"}, []),
        ({"kind": "deposited"}, [6, 4, 2, 1]),
        ({"kind": "withdrawn"}, [5, 3]),
        ({"kind": "withdrawn", "currency": "EUR"}, [5]),
        ({"from": at(3)}, [6, 5, 4, 3]),
        ({"from": at(4)}, [6, 5, 4]),
        ({"from": at(7)}, []),
        ({"to": at(3)}, [2, 1]),
        ({"to": at(4)}, [3, 2, 1]),
        ({"to": at(1)}, []),
        ({"from": at(2), "to": at(5)}, [4, 3, 2]),
        ({"from": at(2), "to": at(5), "order": "oldest"}, [2, 3, 4]),
        ({"from": at(3), "to": at(3)}, []),
        ({"from": at(5), "to": at(2)}, []),
        ({"from": at(2), "to": at(6), "kind": "deposited", "currency": "USD"}, [4]),
    ],
)
def test_filters_let_pass_what_they_name(filters: dict[str, Any], expected: list[int]) -> None:
    page = one_page(MIXED, a_query(**filters))

    assert sequences(page) == expected
    assert page.next_cursor is None


@pytest.mark.parametrize(
    ("count", "limit", "shown", "more"),
    [
        (0, 1, 0, False),
        (1, 1, 1, False),
        (2, 1, 1, True),
        (49, 50, 49, False),
        (50, 50, 50, False),
        (51, 50, 50, True),
        (200, 200, 200, False),
        (201, 200, 200, True),
    ],
)
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_page_that_is_not_the_last_has_a_cursor(
    order: str, count: int, limit: int, shown: int, *, more: bool
) -> None:
    history = [entry(sequence) for sequence in range(1, count + 1)]

    page, reads = page_and_reads(history, a_query(limit=limit, order=order))

    assert len(page.transactions) == shown
    assert (page.next_cursor is not None) is more
    assert [stretch.limit for stretch in reads] == [limit + 1]


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize(
    ("count", "more"), [(SCAN_MAX - 1, False), (SCAN_MAX, False), (SCAN_MAX + 1, True)]
)
def test_a_page_looks_through_so_many_entries_and_no_more(
    count: int, order: str, *, more: bool
) -> None:
    """P12."""
    history = [entry(sequence) for sequence in range(1, count + 1)]

    page, reads = page_and_reads(history, a_query(currency="EUR", order=order))

    assert page.transactions == ()
    assert (page.next_cursor is not None) is more
    assert max(stretch.limit for stretch in reads) <= READ_MAX
    assert sum(stretch.limit for stretch in reads) <= SCAN_MAX + READ_MAX


@pytest.mark.parametrize(
    ("filters", "reads"),
    [
        ({"from": at(1900)}, 1),
        ({"from": at(1700)}, 2),
        ({"to": at(10), "order": "oldest"}, 1),
        ({"from": at(5), "to": at(5)}, 0),
    ],
)
def test_a_page_stops_where_no_later_one_can_match(filters: dict[str, Any], reads: int) -> None:
    history = [entry(sequence) for sequence in range(1, 2000)]

    page, done = page_and_reads(history, a_query(currency="EUR", **filters))

    assert page.next_cursor is None
    assert len(done) == reads


def test_heavy_metadata_makes_pages_short() -> None:
    """P12: else a full page would not fit into a record."""
    heavy = {"metadata": (("k", "\x01" * 2000),), "reason": "\x01" * 128}
    history = [replace(entry(sequence), **heavy) for sequence in range(1, 201)]
    size = len(Rendering(history[0]).entry or b"")

    page = one_page(history, a_query(limit=200))

    assert size > 12_000
    assert PAGE_BYTES_MAX - size - 20 <= len(page.transactions) * size <= PAGE_BYTES_MAX
    assert page.next_cursor is not None


def test_one_transaction_is_shown_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.history.pages.PAGE_BYTES_MAX", 10)

    page = one_page(MIXED, a_query(limit=200))

    assert sequences(page) == [6]
    assert page.next_cursor is not None


def test_a_transaction_says_what_its_balance_event_said() -> None:
    outcome = replace(
        entry(3),
        entry=an_entry(3, before_minor=500, after_minor=1500, held_minor=200),
        metadata=(("key", "value"),),
        reason="a reason",
        related_id="order-1",
    )

    begun = walk(a_query())
    assert isinstance(begun, PageBuilder)
    begun.take(EntryQuery(username="alice", order="newest", past=None, limit=51), [outcome])

    event = Rendering(outcome).balance_event().value
    assert encoded(begun.page["transactions"]) == b"[%b]" % event
