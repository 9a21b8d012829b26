"""P1: the order of one user's commands, within a topic and across topics."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.ledger.merging import Queues, earliest
from handlers.model.input_records import CommandRecord
from tests.received import (
    SKEW_MS,
    a_deposit,
    a_registration,
    a_withdrawal,
    an_opening,
    an_update,
    received,
)

COMMANDS = {
    "open": an_opening(),
    "register": a_registration(),
    "deposit": a_deposit(),
    "update": an_update(first_name="A"),
    "withdraw": a_withdrawal(),
}


def at(name: str, at_ms: int, offset: int = 0, partition: int = 0) -> CommandRecord:
    return received(COMMANDS[name], at_ms=at_ms, offset=offset, partition=partition)


def in_order(*commands: CommandRecord) -> list[str]:
    queues = Queues(commands, clock_skew_ms=SKEW_MS)
    names: list[str] = []
    while candidates := queues.candidates():
        names.append(candidates[0].type)
        queues.take(candidates[0])
    return names


class TestQueues:
    def test_keep_to_offsets_within_a_topic_whatever_the_clock_says(self) -> None:
        first, second = at("deposit", 5000, offset=1), at("deposit", 1000, offset=2)
        queues = Queues([first, second], clock_skew_ms=SKEW_MS)

        heads = queues.candidates()
        queues.take(first)

        assert (list(heads), list(queues.candidates())) == ([first], [second])

    @pytest.mark.parametrize(
        ("withdrawn_earlier_ms", "order"),
        [
            (199, ["deposit", "withdraw"]),
            (200, ["deposit", "withdraw"]),
            (201, ["withdraw", "deposit"]),
        ],
    )
    def test_go_by_time_across_topics_but_for_ties(
        self, withdrawn_earlier_ms: int, order: list[str]
    ) -> None:
        withdrawal, deposit = at("withdraw", 1000), at("deposit", 1000 + withdrawn_earlier_ms)

        assert in_order(withdrawal, deposit) == order

    def test_put_ties_in_the_order_open_register_credits_others_debits(self) -> None:
        tied = [at("withdraw", 1), at("update", 2), at("deposit", 3), at("register", 4)]
        tied.append(at("open", 5))

        assert in_order(*tied) == ["open", "register", "deposit", "update-profile", "withdraw"]

    def test_tie_only_with_the_earliest_head_so_that_nobody_is_overtaken_for_long(self) -> None:
        commands = [at("withdraw", 1000), at("update", 1150), at("deposit", 1300)]

        assert in_order(*commands) == ["update-profile", "withdraw", "deposit"]

    def test_keep_partitions_of_one_topic_apart(self) -> None:
        here, there = at("deposit", 1000, partition=0), at("deposit", 900, partition=1)
        queues = Queues([here, there], clock_skew_ms=SKEW_MS)

        assert list(queues.candidates()) == [there, here]

    def test_hand_back_what_was_not_taken_each_in_its_order(self) -> None:
        first, second, other = at("deposit", 1), at("deposit", 2, offset=1), at("withdraw", 3)
        queues = Queues([first, second, other], clock_skew_ms=SKEW_MS)

        queues.take(first)

        assert list(queues.rest()) == [second, other]


def test_the_earliest_is_the_first_by_broker_time_not_by_rank() -> None:
    deposit, withdrawal = at("deposit", 1001), at("withdraw", 1000)

    assert earliest([deposit, withdrawal]) is withdrawal


placed = st.tuples(
    st.sampled_from(sorted(COMMANDS)), st.integers(0, 2), st.integers(0, 3).map(lambda s: s * 150)
)


@given(st.lists(placed, max_size=20), st.randoms(use_true_random=False))
def test_every_queue_keeps_its_order_and_nothing_is_lost(
    places: list[tuple[str, int, int]], random: Random
) -> None:
    commands = [
        at(name, at_ms, offset=number, partition=partition)
        for number, (name, partition, at_ms) in enumerate(places)
    ]
    queues = Queues(commands, clock_skew_ms=SKEW_MS)
    taken: list[CommandRecord] = []

    while candidates := queues.candidates():
        earliest_ms = min(each.timestamp_ms for each in candidates)
        assert all(each.timestamp_ms <= earliest_ms + SKEW_MS for each in candidates)
        chosen = random.choice(candidates)
        taken.append(chosen)
        queues.take(chosen)

    assert len(taken) == len(commands)
    for place in {(each.source.topic, each.source.partition) for each in commands}:
        offsets = [e.source.offset for e in taken if (e.source.topic, e.source.partition) == place]
        assert offsets == sorted(offsets)
