"""Commands that wait, the offsets they hold back, and which topics are paused for them (P1, P12)."""

import logging
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from contracts.codes import Code
from handlers.ledger.finality import Ends, PartitionPosition, Place, ReadPositions
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Source
from tests.received import TOPICS, a_deposit, a_withdrawal, nothing_read, received
from workers.ledger import parking
from workers.ledger.parking import ParkingLot

WITHDRAW, DEPOSIT = "accounts.commands.withdraw", "accounts.commands.deposit"


def waiting(offset: int, partition: int = 0) -> CommandRecord:
    return received(a_withdrawal(command_id=f"w-{offset}"), offset=offset, partition=partition)


def _asked(ends: Ends, kept: ParkingLot | None = None) -> ReadPositions:
    """Return that *ends* were asked for in this cycle, beside those *kept* from earlier ones."""
    return replace(nothing_read(), asked={0: ends}, kept={} if kept is None else kept.ends)


class TestParkingLot:
    def test_hands_everything_back_once_in_the_order_of_offsets(self) -> None:
        lot, commands = ParkingLot(), [waiting(9), waiting(3), waiting(5)]

        lot.park(commands, nothing_read(), {})

        assert len(lot) == 3
        assert [each.source.offset for each in lot.take()] == [3, 5, 9]
        assert (list(lot.take()), len(lot)) == ([], 0)

    def test_holds_back_the_first_offset_of_each_partition(self) -> None:
        lot = ParkingLot()

        lot.park(
            [waiting(9), waiting(3), waiting(7, 2), received(a_deposit(), offset=1)],
            nothing_read(),
            {},
        )

        assert lot.first_offsets() == {(WITHDRAW, 0): 3, (WITHDRAW, 2): 7, (DEPOSIT, 0): 1}

    def test_keeps_the_first_ends_with_a_command_for_as_long_as_it_waits(self) -> None:
        lot, command = ParkingLot(), waiting(3)
        first, later = dict.fromkeys(TOPICS, 10), dict.fromkeys(TOPICS, 99)

        lot.park([command], _asked(first), {})
        lot.park(lot.take(), _asked(later, kept=lot), {})
        kept = dict(lot.ends)
        lot.park([], _asked(later, kept=lot), {})

        assert kept == {command.source: first}
        assert lot.ends == {}

    def test_says_how_long_the_one_has_waited_that_waits_longest(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now_s = [100.0]
        monkeypatch.setattr(parking, "monotonic_s", lambda: now_s[0])
        lot = ParkingLot()
        waits = [lot.waited_s()]

        lot.park([waiting(3)], nothing_read(), {})
        now_s[0] = 107.0
        lot.park([*lot.take(), waiting(9)], nothing_read(), {})
        waits.append(lot.waited_s())
        lot.park([each for each in lot.take() if each.source.offset == 9], nothing_read(), {})
        now_s[0] = 110.0
        waits.append(lot.waited_s())
        lot.clear()
        waits.append(lot.waited_s())

        assert waits == [0.0, 7.0, 3.0, 0.0]

    def test_forgets_everything_where_it_is_read_again(self) -> None:
        lot = ParkingLot()
        lot.park([waiting(3)], _asked(dict.fromkeys(TOPICS, 10)), {})

        lot.clear()

        assert (len(lot), lot.ends, lot.first_offsets()) == (0, {}, {})


class TestLog:
    """Why a command waits, and when it was decided."""

    REFUSED = received(a_withdrawal(), offset=7, partition=3)
    BEHIND = received(a_deposit(), offset=4, partition=3)
    REFUSAL: Mapping[Source, Code] = {REFUSED.source: Code.INSUFFICIENT_FUNDS}
    READ_BUT_DEPOSITS: Mapping[Place, PartitionPosition] = {
        (topic, 3): PartitionPosition(cursor=2 if topic == DEPOSIT else 9) for topic in TOPICS
    }

    def test_names_user_record_code_and_what_is_waited_for(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        lot = ParkingLot()

        with caplog.at_level(logging.DEBUG):
            lot.park([self.REFUSED, self.BEHIND], self._reading(9), self.REFUSAL)

        prefix = "the command of alice at accounts.commands."
        assert [text.removeprefix(prefix) for text in caplog.messages] == [
            "deposit-3@4 waits behind another command of its user",
            f"withdraw-3@7 waits with insufficient_funds until {DEPOSIT}-3 is read to 9",
        ]

    def test_says_it_again_only_where_it_waits_for_something_else(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        lot = ParkingLot()

        with caplog.at_level(logging.DEBUG):
            lot.park([self.REFUSED], self._reading(None), self.REFUSAL)
            lot.park(lot.take(), self._reading(9), self.REFUSAL)
            lot.park(lot.take(), self._reading(9), self.REFUSAL)

        others = [topic for topic in TOPICS if topic != WITHDRAW]
        assert [text.partition(" until ")[2] for text in caplog.messages] == [
            " and ".join(f"{topic}-3 is read to its end" for topic in others),
            "accounts.commands.deposit-3 is read to 9",
        ]

    def test_says_when_it_is_decided(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now_s = [100.0]
        monkeypatch.setattr(parking, "monotonic_s", lambda: now_s[0])
        lot = ParkingLot()
        lot.park([self.REFUSED], self._reading(9), self.REFUSAL)
        now_s[0] = 100.25

        with caplog.at_level(logging.DEBUG):
            lot.park([], self._reading(9), {})

        assert caplog.messages == [
            "the command of alice at accounts.commands.withdraw-3@7 is decided, after 0.250 s"
        ]

    def test_says_what_is_read_again(self, caplog: pytest.LogCaptureFixture) -> None:
        lot = ParkingLot()
        lot.park([self.REFUSED, self.BEHIND], self._reading(9), self.REFUSAL)

        with caplog.at_level(logging.DEBUG):
            lot.clear()
            lot.clear()

        assert caplog.messages == ["2 commands that waited will be read again"]

    def test_costs_nothing_where_nobody_reads_it(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        explained: list[CommandRecord] = []

        def explain(command: CommandRecord, *_: object) -> str:
            explained.append(command)
            return ""

        monkeypatch.setattr(parking, "_why", explain)
        lot = ParkingLot()

        with caplog.at_level(logging.INFO):
            lot.park([self.REFUSED], self._reading(9), self.REFUSAL)
            before = list(explained)
        with caplog.at_level(logging.DEBUG):
            lot.park(lot.take(), self._reading(9), self.REFUSAL)

        assert (before, len(explained)) == ([], 1)

    def _reading(self, end: int | None) -> ReadPositions:
        asked = {} if end is None else {3: dict.fromkeys(TOPICS, end)}
        return replace(nothing_read(), ours=self.READ_BUT_DEPOSITS, asked=asked)


READING: Mapping[Place, PartitionPosition] = {
    ("register", 0): PartitionPosition(cursor=5, last_timestamp_ms=900),
    ("deposit", 0): PartitionPosition(cursor=5, last_timestamp_ms=100),
    ("withdraw", 0): PartitionPosition(cursor=50, last_timestamp_ms=950),
    ("withdraw", 1): PartitionPosition(cursor=0),
}


class TestAhead:
    def test_pauses_nothing_up_to_the_bound(self) -> None:
        lot = self._lot(count=3, end=10)

        assert lot.ahead(READING, records_max=3) == set()

    def test_pauses_all_of_the_number_but_the_topic_furthest_behind(self) -> None:
        lot = self._lot(count=4, end=10)

        assert lot.ahead(READING, records_max=3) == {("register", 0), ("withdraw", 0)}

    def test_pauses_nothing_where_all_are_at_their_ends(self) -> None:
        """What is missing is elsewhere: pausing would help nobody."""
        lot = self._lot(count=4, end=5)

        assert lot.ahead(READING, records_max=3) == set()

    def _lot(self, *, count: int, end: int) -> ParkingLot:
        lot = ParkingLot()
        ends = {"register": end, "deposit": end, "withdraw": 1}
        lot.park([waiting(number) for number in range(count)], _asked(ends), {})
        return lot
