"""P5 in `accounts verify --topic`: events in order, repeats the same, nothing missing or invented."""

import dataclasses
from datetime import timedelta

import orjson
import pytest

from cli.verification.published import GAP_MAX, PublishedEvents
from client.kafka import Record
from handlers.model.unpublished import EntryRange
from handlers.wire.rendering import Rendering
from tests.builders import NOON, an_account, an_outcome
from tests.unit.records import a_record


def an_event(
    sequence: int, username: str = "alice", *, partition: int = 3, **changed: object
) -> Record:
    value = Rendering(an_outcome(username, sequence=sequence)).balance_event().value
    body = {**orjson.loads(value), **changed}
    record = a_record(body, key=username.encode(), offset=sequence)
    return dataclasses.replace(record, partition=partition)


def published(*records: Record, expired: bool = False) -> PublishedEvents:
    events = PublishedEvents()
    for record in records:
        events.add(record, expired=expired)
    return events


def violations(events: PublishedEvents) -> list[str]:
    return [finding.violation for finding in events.findings]


class TestPublishedEvents:
    def test_are_fine_when_in_order_with_repeats(self) -> None:
        events = published(*(an_event(number) for number in (1, 2, 1, 2, 3)))

        for number in (1, 2, 3):
            events.compare(an_outcome(sequence=number))
        events.settle([an_account(sequence=3)], live=False)
        events.finish()

        assert events.findings == []
        assert events.count == 5

    @pytest.mark.parametrize("numbers", [(2,), (1, 3), (1, 2, 4)])
    def test_have_a_gap_where_one_is_left_out(self, numbers: tuple[int, ...]) -> None:
        events = published(*(an_event(number) for number in numbers))
        events.settle([an_account(sequence=numbers[-1])], live=False)

        assert violations(events) == ["event_gap"]

    def test_have_no_gap_once_it_is_filled_but_say_that_it_was(self) -> None:
        events = published(*(an_event(number) for number in (1, 4, 2, 3, 4)))
        for number in range(1, 5):
            events.compare(an_outcome(sequence=number))
        events.settle([an_account(sequence=4)], live=False)

        assert violations(events) == ["event_late", "event_late"]

    def test_stand_in_two_partitions_once_some_were_added(self) -> None:
        """Which is read first says nothing."""
        events = published(
            *(an_event(number, partition=17) for number in (4, 5)),
            *(an_event(number, partition=3) for number in (1, 2, 3)),
        )
        for number in range(1, 6):
            events.compare(an_outcome(sequence=number))
        events.settle([an_account(sequence=5)], live=False)

        assert events.findings == []

    @pytest.mark.parametrize(
        ("there", "found"),
        [((1, 2, 3), []), ((1, 3, 2), ["event_late"]), ((1, 3), ["event_gap"])],
    )
    def test_have_to_be_in_order_in_each_of_two(
        self, there: tuple[int, ...], found: list[str]
    ) -> None:
        events = published(
            an_event(4, partition=17), *(an_event(number, partition=3) for number in there)
        )
        events.settle([an_account(sequence=4)], live=False)

        assert violations(events) == found

    @pytest.mark.parametrize(("kept_days", "found"), [(1, []), (-1, ["event_gap"])])
    def test_may_have_expired_in_the_first_of_two(self, kept_days: int, found: list[str]) -> None:
        events = PublishedEvents()
        kept_ms = int((NOON + timedelta(days=kept_days)).timestamp() * 1000)
        events.add(an_event(4, partition=17), expired=False)
        events.look_at(dataclasses.replace(a_record({}), timestamp=kept_ms))
        events.add(an_event(3, partition=3), expired=True)
        for number in range(1, 5):
            events.compare(an_outcome(sequence=number))
        events.settle([an_account(sequence=4)], live=False)

        assert violations(events) == found

    def test_may_come_late_where_a_repair_explains_it(self) -> None:
        repaired = {"alice": [EntryRange(username="alice", after=1, up_to=3)]}
        events = PublishedEvents(repaired)
        for number in (1, 4, 2, 3):
            events.add(an_event(number), expired=False)
        events.settle([an_account(sequence=4)], live=False)

        assert events.findings == []

    def test_must_say_what_is_recorded_when_they_come_late(self) -> None:
        events = published(an_event(1), an_event(3), an_event(2, reason="another"))
        events.compare(an_outcome(sequence=2))

        assert violations(events) == ["event_differs"]

    def test_give_up_on_a_sequence_that_cannot_be(self) -> None:
        events = published(an_event(1), an_event(GAP_MAX * 2))

        assert violations(events) == ["event_gap"]

    def test_may_all_have_expired(self) -> None:
        """An account that rests for longer than the topic keeps its events owes nobody any."""
        events = PublishedEvents()
        later_ms = int((NOON + timedelta(days=1)).timestamp() * 1000)
        events.look_at(dataclasses.replace(a_record({}), timestamp=later_ms))
        for number in (1, 2):
            events.compare(an_outcome(sequence=number))
        events.settle([an_account(sequence=2)], live=False)

        assert events.findings == []

    def test_must_be_there_where_they_have_not_expired(self) -> None:
        events = PublishedEvents()
        earlier_ms = int((NOON - timedelta(days=1)).timestamp() * 1000)
        events.look_at(dataclasses.replace(a_record({}), timestamp=earlier_ms))
        events.compare(an_outcome(sequence=1))
        events.settle([an_account(sequence=1)], live=False)

        assert violations(events) == ["event_missing"]

    @pytest.mark.parametrize(
        ("there", "lacking"), [((1, 2, 3), []), ((1, 3), [2]), ((1,), [2, 3]), ((), [1, 2, 3])]
    )
    def test_say_which_are_lacking(self, there: tuple[int, ...], lacking: list[int]) -> None:
        events = published(*(an_event(number) for number in there))

        found = [each for each in (1, 2, 3) if events.lacks(an_outcome(sequence=each))]

        assert found == lacking

    def test_lack_nothing_that_has_expired(self) -> None:
        events = published(an_event(2), an_event(3), expired=True)

        assert not events.lacks(an_outcome(sequence=1))

    def test_may_begin_late_where_older_ones_have_expired(self) -> None:
        events = published(an_event(5), an_event(6), expired=True)
        events.settle([an_account(sequence=6)], live=False)

        assert events.findings == []

    def test_must_be_repeated_byte_for_byte(self) -> None:
        events = published(an_event(1), an_event(1, reason="another"))

        assert violations(events) == ["event_changed"]

    def test_must_say_what_is_recorded(self) -> None:
        events = published(an_event(1, reason="another"))

        events.compare(an_outcome(sequence=1))

        assert violations(events) == ["event_differs"]

    def test_must_have_the_username_as_key(self) -> None:
        record = a_record(orjson.loads(an_event(1).value or b""), key=b"bobby")

        assert violations(published(record)) == ["wrong_key"]

    @pytest.mark.parametrize("value", [None, b"{", b"[]", b'{"username": "alice"}'], ids=repr)
    def test_must_be_readable(self, value: bytes | None) -> None:
        assert violations(published(a_record(value=value))) == ["unreadable_event"]

    @pytest.mark.parametrize(("live", "expected"), [(False, ["event_missing"]), (True, [])])
    def test_must_all_be_there_unless_they_may_still_come(
        self, *, live: bool, expected: list[str]
    ) -> None:
        events = published(an_event(1))

        events.settle([an_account(sequence=2)], live=live)

        assert violations(events) == expected

    @pytest.mark.parametrize("live", [False, True])
    def test_never_say_more_than_is_recorded(self, *, live: bool) -> None:
        events = published(an_event(1), an_event(2))

        events.settle([an_account(sequence=1)], live=live)

        assert violations(events) == ["event_unrecorded"]

    def test_belong_to_an_account(self) -> None:
        events = published(an_event(1))

        events.finish()

        assert violations(events) == ["unknown_account"]
