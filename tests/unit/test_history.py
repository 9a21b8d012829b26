"""Pages of a history: filters, cursors, bounds."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.message import rfc3339
from contracts.queries import CURSOR_LENGTH_MAX, ListTransactions, Page, Transaction
from handlers.history import (
    PAGE_BYTES_MAX,
    READ_MAX,
    SCAN_MAX,
    Stretch,
    Walk,
    cursor_of,
    transaction,
    walk,
)
from handlers.outcome import Outcome
from handlers.rendering import Rendering, encoded
from handlers.replying import Refusal
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


def read(history: Sequence[Outcome], stretch: Stretch) -> Sequence[Outcome]:
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
) -> tuple[Page, list[Stretch]]:
    begun = walk(query)
    assert isinstance(begun, Walk)
    reads: list[Stretch] = []
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
    size = len(encoded(transaction(history[0])))

    page = one_page(history, a_query(limit=200))

    assert size > 12_000
    assert PAGE_BYTES_MAX - size - 20 <= len(page.transactions) * size <= PAGE_BYTES_MAX
    assert page.next_cursor is not None


def test_one_transaction_is_shown_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.history.PAGE_BYTES_MAX", 10)

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

    shown = Transaction.model_validate_json(encoded(transaction(outcome)))

    event = Transaction.model_validate_json(Rendering(outcome).balance_event().value)
    assert shown == event
    assert shown.available == "13.00"


CURSOR = cursor_of(a_query(), 4)


def test_a_cursor_is_short_and_plain() -> None:
    longest = a_query(currency="A" * 10, kind="withdrawn", **{"from": at(1), "to": at(2)})

    cursor = cursor_of(longest, 2**48 - 1)

    assert len(cursor) == 32 <= CURSOR_LENGTH_MAX
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_a_cursor_goes_on_behind_its_sequence() -> None:
    assert sequences(one_page(MIXED, a_query(cursor=CURSOR))) == [3, 2, 1]


def test_another_limit_may_go_with_a_cursor() -> None:
    assert sequences(one_page(MIXED, a_query(cursor=CURSOR, limit=2))) == [3, 2]


@pytest.mark.parametrize(
    "changed",
    [
        {"username": "alice2"},
        {"currency": "USD"},
        {"kind": "deposited"},
        {"kind": "withdrawn"},
        {"order": "oldest"},
        {"from": at(1)},
        {"to": at(1)},
    ],
)
def test_a_cursor_belongs_to_its_user_filters_and_order(changed: dict[str, Any]) -> None:
    refused = walk(a_query(cursor=CURSOR, **changed))

    assert isinstance(refused, Refusal)
    assert refused.code == "cursor_invalid"


@pytest.mark.parametrize("bound", ["from", "to"])
def test_a_cursor_tells_times_apart_by_less_than_a_millisecond(bound: str) -> None:
    query = a_query(**{bound: "2030-01-01T12:00:00.123456Z"})
    other = {bound: "2030-01-01T12:00:00.123457Z"}

    assert isinstance(walk(a_query(cursor=cursor_of(query, 1), **other)), Refusal)


def test_the_same_moment_written_otherwise_keeps_a_cursor() -> None:
    query = a_query(to="2030-01-01T12:00:00Z")

    begun = walk(a_query(cursor=cursor_of(query, 4), to="2030-01-01T14:00:00.000+02:00"))

    assert isinstance(begun, Walk)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "=",
        "A" * 32,
        "A" * CURSOR_LENGTH_MAX,
        "\x00" * 32,
        "é" * 32,
        "\U0001f600",
        '{"$gt": ""}',
        CURSOR[:-1],
        CURSOR[:-1] + ("A" if CURSOR[-1] != "A" else "B"),
        "B" + CURSOR[1:],
        CURSOR + "=",
        CURSOR + "AAAA",
        " " + CURSOR,
        CURSOR + "\n",
        CURSOR.swapcase(),
    ],
)
def test_what_is_no_cursor_of_ours_is_refused(cursor: str) -> None:
    refused = walk(a_query(cursor=cursor))

    assert isinstance(refused, Refusal)
    assert refused.code == "cursor_invalid"
    assert cursor == "x" or cursor not in refused.detail


@pytest.mark.parametrize("index", range(32))
def test_no_character_of_a_cursor_can_be_changed(index: int) -> None:
    other = "-" if CURSOR[index] != "-" else "_"

    refused = walk(a_query(cursor=CURSOR[:index] + other + CURSOR[index + 1 :]))

    assert isinstance(refused, Refusal)
