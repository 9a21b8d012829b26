"""Finding a time in a long history."""

from typing import Any

import pytest

from handlers.history.pages import Order, cursor_of
from handlers.history.start_search import SKIP_MIN, StartSearch
from tests.unit.handlers.history.histories import a_query, at, entry

LAST = 100_000
LOOKS_MAX = 11
"""One at the end, then halving 100,000 until less than 100 are left."""


def looked(seek: StartSearch, last: int = LAST) -> int:
    """Follow *seek* through a history with an entry a second; return how often it looked."""
    looks = 0
    while stretch := seek.next_read:
        assert (stretch.order, stretch.limit) == ("oldest", 1)
        assert stretch.past is not None
        sequence = stretch.past + 1
        seek.take(stretch, [entry(sequence)] if sequence <= last else [])
        looks += 1
    return looks


@pytest.mark.parametrize("moment", [2, 99, 100, 101, 5000, 50_000, 50_001, 99_000, 99_999, LAST])
@pytest.mark.parametrize(("order", "bound"), [("newest", "to"), ("oldest", "from")])
def test_a_time_is_found_in_few_looks(order: Order, bound: str, moment: int) -> None:
    """P12: at 100,000 entries a search takes milliseconds, not a hundred empty pages."""
    seek = StartSearch(a_query(order=order, **{bound: at(moment)}), last=LAST)

    looks = looked(seek)

    first_shown = moment - 1 if order == "newest" else moment
    assert seek.past is not None
    skipped_too_few = seek.past - first_shown if order == "newest" else first_shown - seek.past
    assert 1 <= skipped_too_few <= SKIP_MIN
    assert looks <= LOOKS_MAX


@pytest.mark.parametrize(
    ("fields", "past"),
    [
        ({"to": at(LAST + 1)}, LAST + 1),
        ({"to": at(LAST + 500)}, LAST + 1),
        ({"from": at(1), "order": "oldest"}, 0),
        ({"from": at(-500), "order": "oldest"}, 0),
    ],
)
def test_one_look_tells_that_there_is_nothing_to_skip(fields: dict[str, Any], past: int) -> None:
    seek = StartSearch(a_query(**fields), last=LAST)

    assert looked(seek) == 1
    assert seek.past == past


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"currency": "USD", "kind": "deposited"},
        {"from": at(5000)},
        {"to": at(5000), "order": "oldest"},
    ],
)
def test_nothing_is_looked_for_where_a_page_begins_at_its_end(fields: dict[str, Any]) -> None:
    seek = StartSearch(a_query(**fields), last=LAST)

    assert looked(seek) == 0
    assert seek.past is None


@pytest.mark.parametrize("last", [0, 1, SKIP_MIN - 1])
def test_a_short_history_is_not_searched(last: int) -> None:
    assert looked(StartSearch(a_query(to=at(1)), last=last), last) == 0


def test_a_cursor_says_where_to_begin() -> None:
    query = a_query(to=at(5000))

    seek = StartSearch(a_query(to=at(5000), cursor=cursor_of(query, 4000)), last=LAST)

    assert looked(seek) == 0
    assert seek.past is None


def test_what_is_not_there_yet_counts_as_later() -> None:
    """A replica that was just elected may not show the last entries for a moment."""
    seek = StartSearch(a_query(to=at(LAST)), last=LAST)

    looked(seek, LAST - 1000)

    assert seek.past is not None
    assert LAST - 1000 < seek.past <= LAST - 1000 + SKIP_MIN
