"""P1: when a refusal may be final, one test for each clause of the rule."""

import pytest
from msgspec.structs import replace

from handlers.ledger.finality import PartitionPosition, ReadPositions
from tests.received import SKEW_MS, TOPICS, a_withdrawal, received

NUMBER = 4
COMMAND = received(a_withdrawal(), partition=NUMBER, at_ms=1000)
OTHERS = [topic for topic in TOPICS if topic != COMMAND.source.topic]
ENDS = dict.fromkeys(TOPICS, 10)

BEHIND = PartitionPosition(cursor=9, last_timestamp_ms=900)
AT_THE_END = PartitionPosition(cursor=10, last_timestamp_ms=900)


def a_reading(one: PartitionPosition | None, rest: PartitionPosition = AT_THE_END) -> ReadPositions:
    """Return *one* for the first other topic (None: not ours), *rest* for all the others."""
    first, *further = OTHERS
    ours = {(topic, NUMBER): rest for topic in further}
    if one is not None:
        ours[first, NUMBER] = one
    return ReadPositions(topics=TOPICS, clock_skew_ms=SKEW_MS, ours=ours, asked={NUMBER: ENDS})


class TestIsFinal:
    @pytest.mark.parametrize(("cursor", "final"), [(9, False), (10, True), (11, True)])
    def test_where_every_other_topic_was_read_past_the_end_asked_for(
        self, cursor: int, *, final: bool
    ) -> None:
        reading = a_reading(replace(AT_THE_END, cursor=cursor))

        assert reading.is_final(COMMAND) is final

    @pytest.mark.parametrize(("later_ms", "final"), [(199, False), (200, False), (201, True)])
    def test_where_a_later_record_was_read_there(self, later_ms: int, *, final: bool) -> None:
        reading = a_reading(replace(BEHIND, last_timestamp_ms=1000 + later_ms))

        assert reading.is_final(COMMAND) is final

    def test_where_a_later_record_was_read_everywhere_without_any_question(self) -> None:
        later = PartitionPosition(cursor=1, last_timestamp_ms=1000 + SKEW_MS + 1)
        reading = replace(a_reading(later, later), asked={})

        assert reading.is_final(COMMAND)

    def test_where_the_other_partition_cannot_be_decoded(self) -> None:
        assert a_reading(replace(BEHIND, undecodable=True)).is_final(COMMAND)

    @pytest.mark.parametrize(("committed", "final"), [(9, False), (10, True), (None, False)])
    def test_where_it_is_not_ours_and_the_group_has_committed_past_the_end(
        self, committed: int | None, *, final: bool
    ) -> None:
        known = {} if committed is None else {(OTHERS[0], NUMBER): committed}
        reading = replace(a_reading(None), committed=known)

        assert reading.is_final(COMMAND) is final

    def test_not_while_the_ends_are_unknown(self) -> None:
        assert not replace(a_reading(AT_THE_END), asked={}).is_final(COMMAND)
        committed = {(OTHERS[0], NUMBER): 99}
        assert not replace(a_reading(None), asked={}, committed=committed).is_final(COMMAND)

    def test_by_the_same_partition_number_only(self) -> None:
        elsewhere = {(topic, NUMBER + 1): AT_THE_END for topic in OTHERS}

        assert not replace(a_reading(None), ours=elsewhere).is_final(COMMAND)

    def test_whatever_its_own_topic_still_holds(self) -> None:
        """What stands behind it in its own partition was sent later."""
        reading = a_reading(AT_THE_END)
        own = {(COMMAND.source.topic, NUMBER): PartitionPosition(cursor=0)}

        assert replace(reading, ours={**reading.ours, **own}).is_final(COMMAND)

    def test_by_the_ends_kept_with_it_rather_than_new_ones(self) -> None:
        """A topic that grows faster than it is read must not delay a refusal for ever."""
        grown = {NUMBER: dict.fromkeys(TOPICS, 99)}
        reading = replace(a_reading(AT_THE_END), asked=grown)

        assert not reading.is_final(COMMAND)
        assert replace(reading, kept={COMMAND.source: ENDS}).is_final(COMMAND)


class TestLacksEnds:
    def test_is_true_until_they_were_asked_for_or_kept(self) -> None:
        known = a_reading(BEHIND)
        unknown = replace(known, asked={NUMBER + 1: ENDS})

        assert unknown.lacks_ends(COMMAND)
        assert not known.lacks_ends(COMMAND)
        assert not replace(unknown, kept={COMMAND.source: ENDS}).lacks_ends(COMMAND)
