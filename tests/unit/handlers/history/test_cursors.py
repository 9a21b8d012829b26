"""Cursors of a history: they go on where a page ended, and belong to one question."""

from typing import Any

import pytest

from contracts.queries import CURSOR_LENGTH_MAX
from handlers.history.pages import PageBuilder, cursor_of, walk
from handlers.model.refused import Refused
from tests.unit.handlers.history.histories import MIXED, a_query, at, one_page, sequences

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

    assert isinstance(refused, Refused)
    assert refused.code == "cursor_invalid"


@pytest.mark.parametrize("bound", ["from", "to"])
def test_a_cursor_tells_times_apart_by_less_than_a_millisecond(bound: str) -> None:
    query = a_query(**{bound: "2030-01-01T12:00:00.123456Z"})
    other = {bound: "2030-01-01T12:00:00.123457Z"}

    assert isinstance(walk(a_query(cursor=cursor_of(query, 1), **other)), Refused)


def test_the_same_moment_written_otherwise_keeps_a_cursor() -> None:
    query = a_query(to="2030-01-01T12:00:00Z")

    begun = walk(a_query(cursor=cursor_of(query, 4), to="2030-01-01T14:00:00.000+02:00"))

    assert isinstance(begun, PageBuilder)


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

    assert isinstance(refused, Refused)
    assert refused.code == "cursor_invalid"
    assert cursor == "x" or cursor not in refused.detail


@pytest.mark.parametrize("index", range(32))
def test_no_character_of_a_cursor_can_be_changed(index: int) -> None:
    other = "-" if CURSOR[index] != "-" else "_"

    refused = walk(a_query(cursor=CURSOR[:index] + other + CURSOR[index + 1 :]))

    assert isinstance(refused, Refused)
