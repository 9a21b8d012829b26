"""What the engine says of accounts that others wrote, or that it has not heard of yet (P5, 5.6)."""

import asyncio
from collections.abc import Sequence

import pytest

from contracts.topics import BALANCE_EVENTS, BALANCES
from tests.builders import NOON, an_account
from tests.ports.written import write
from tests.unit.raw import DEPOSIT_BODY, a_raw
from tests.unit.workers.ledger.engine_in_memory import EngineInMemory, SlowLedger
from tests.unit.workers.ledger.test_republish_queue import Clock
from tests.unit.workers.requests.requests_in_memory import HERS
from workers.config.ledger import LedgerOptions
from workers.consuming.records import Raw
from workers.ledger import republish_queue as states_again

DEADLINE_S = LedgerOptions().publish_deadline_ms / 1000
STRANGER = "a-stranger"


def command(number: int, *, reply_to: str | None = None) -> Raw:
    headers = [] if reply_to is None else [("reply_to", reply_to.encode())]
    body = {**DEPOSIT_BODY, "command_id": f"c-{number}", "amount": "1.00"}
    return a_raw(body, offset=number, headers=headers)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(states_again, "monotonic_s", clock)
    return clock


async def an_engine(*, signed_off: bool = True) -> EngineInMemory:
    """Return one over an account that a stranger wrote last."""
    in_memory = EngineInMemory(SlowLedger(), retry_backoff_ms=1, parked_recheck_ms=1)
    await write(in_memory.ledger, accounts=[an_account(writer=STRANGER)])
    if signed_off:
        await in_memory.ledger.sign_off(STRANGER, at=NOON)
    return in_memory


def sequences(bodies: Sequence[dict[str, object]]) -> list[object]:
    return [body["sequence"] for body in bodies]


class TestStates:
    """Whoever notes where the events end and then reads the states must find those events in them.

    So a state is acknowledged before anything that it contains is said.
    """

    @pytest.mark.parametrize("failures", [0, 1, 2])
    async def test_are_acknowledged_before_anything_else_is_sent(self, failures: int) -> None:
        in_memory = await an_engine()
        in_memory.publisher.failures = failures

        await in_memory.take(command(0, reply_to=HERS), command(1))
        await in_memory.all_done()

        # Beside each other, or after the events, something else would follow the first failure.
        told = [
            *["publishing failed"] * failures,
            f"acknowledged on {BALANCES.name}",
        ]
        assert in_memory.story.lines[: len(told)] == told
        assert sequences(in_memory.said(BALANCES)) == [2]
        assert sequences(in_memory.said(BALANCE_EVENTS)) == [1, 2]
        assert "delivered to replies.hers" in in_memory.story.lines

    async def test_hold_back_all_else_while_kafka_does_not_take_them(self) -> None:
        in_memory = await an_engine()
        in_memory.publisher.open.clear()

        await in_memory.take(command(0, reply_to=HERS), command(1))
        await in_memory.stored_at(2)
        await in_memory.idle_until(lambda: in_memory.publisher.handed)

        assert in_memory.publisher.handed == [BALANCES.name]
        assert in_memory.story.lines == []
        in_memory.publisher.open.set()
        await in_memory.all_done()


class TestAStrangersMark:
    @pytest.mark.parametrize(("later_s", "times"), [(DEADLINE_S - 0.1, 1), (DEADLINE_S, 2)])
    async def test_has_the_state_said_again_when_the_stranger_must_have_given_up(
        self, clock: Clock, later_s: float, times: int
    ) -> None:
        in_memory = await an_engine(signed_off=False)
        await in_memory.take(command(0))
        await in_memory.idle_until(lambda: not in_memory.engine.progress.busy)

        clock.now_s += later_s
        await in_memory.engine.idle()
        await in_memory.idle_until(lambda: not in_memory.engine.progress.busy)

        assert sequences(in_memory.said(BALANCES)) == [1] * times

    async def test_of_who_signed_off_has_nothing_said_again(self, clock: Clock) -> None:
        in_memory = await an_engine()
        await in_memory.take(command(0))
        await in_memory.idle_until(lambda: not in_memory.engine.progress.busy)

        clock.now_s += DEADLINE_S
        await in_memory.engine.idle()
        await in_memory.idle_until(lambda: not in_memory.engine.progress.busy)

        assert sequences(in_memory.said(BALANCES)) == [1]


class TestSigningOff:
    @pytest.fixture(params=["a stranger's mark", "a late write of ours"])
    async def due(self, request: pytest.FixtureRequest, clock: Clock) -> EngineInMemory:
        """Return one with a state that is to be said once more, and nothing else in hand."""
        del clock
        ours = request.param == "a late write of ours"
        in_memory = await an_engine(signed_off=ours)
        in_memory.publisher.failures = int(ours)
        await in_memory.take(command(0))
        await in_memory.idle_until(lambda: not in_memory.engine.progress.busy)
        return in_memory

    @pytest.mark.parametrize("how", ["drain", "revoked"])
    async def test_is_left_out_while_a_state_is_due(self, due: EngineInMemory, how: str) -> None:
        """The next to meet this account would not say it again either."""
        writer = (await due.stored()).writer

        await getattr(due.engine.membership, how)()

        assert sequences(due.said(BALANCES)) == [1]
        assert await due.ledger.signed_off([writer]) == set()

    async def test_is_made_up_for_once_it_was_said(self, due: EngineInMemory, clock: Clock) -> None:
        writer = (await due.stored()).writer
        clock.now_s += DEADLINE_S
        await due.idle_until(lambda: len(due.said(BALANCES)) == 2)

        await due.engine.membership.drain()

        assert await due.ledger.signed_off([writer]) == {writer}


class TestWhatIsNotAcknowledged:
    async def test_is_not_marked_as_published_by_the_next_cycle(self) -> None:
        in_memory = await an_engine()
        in_memory.publisher.open.clear()
        await in_memory.take(command(0))
        second = asyncio.create_task(in_memory.take(command(1)))

        account = await in_memory.stored_at(2)

        assert (account.sequence, account.published_sequence) == (2, 0)
        in_memory.publisher.open.set()
        await second
        await in_memory.idle_until(lambda: not in_memory.engine.progress.busy)
        await in_memory.take(command(2))
        account = await in_memory.stored_at(3)
        assert account.published_sequence == 2

    async def test_is_made_up_for_by_the_next_worker_though_a_later_cycle_was_stored(self) -> None:
        """P5: the first cycle was on its way, the second applied, when the worker was killed."""
        killed = await an_engine()
        killed.publisher.open.clear()
        await killed.take(command(0))
        second = asyncio.create_task(killed.take(command(1)))
        await killed.stored_at(2)
        killed.engine.membership.abandon("killed")
        await second

        other = EngineInMemory(killed.ledger)
        await other.take(command(2))
        await other.all_done()

        assert killed.said(BALANCE_EVENTS) == []
        assert sequences(other.said(BALANCE_EVENTS)) == [1, 2, 3]
