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


async def a_bench(*, signed_off: bool = True) -> EngineInMemory:
    """Return a bench over an account that a stranger wrote last."""
    bench = EngineInMemory(SlowLedger(), retry_backoff_ms=1, parked_recheck_ms=1)
    await write(bench.ledger, accounts=[an_account(writer=STRANGER)])
    if signed_off:
        await bench.ledger.sign_off(STRANGER, at=NOON)
    return bench


def sequences(bodies: Sequence[dict[str, object]]) -> list[object]:
    return [body["sequence"] for body in bodies]


class TestStates:
    """Whoever notes where the events end and then reads the states must find those events in them.

    So a state is acknowledged before anything that it contains is said.
    """

    @pytest.mark.parametrize("failures", [0, 1, 2])
    async def test_are_acknowledged_before_anything_else_is_sent(self, failures: int) -> None:
        bench = await a_bench()
        bench.publisher.failures = failures

        await bench.take(command(0, reply_to=HERS), command(1))
        await bench.all_done()

        # Beside each other, or after the events, something else would follow the first failure.
        told = [
            *["publishing failed"] * failures,
            f"acknowledged on {BALANCES.name}",
        ]
        assert bench.story.lines[: len(told)] == told
        assert sequences(bench.said(BALANCES)) == [2]
        assert sequences(bench.said(BALANCE_EVENTS)) == [1, 2]
        assert "delivered to replies.hers" in bench.story.lines

    async def test_hold_back_all_else_while_kafka_does_not_take_them(self) -> None:
        bench = await a_bench()
        bench.publisher.open.clear()

        await bench.take(command(0, reply_to=HERS), command(1))
        await bench.stored_at(2)
        await bench.idle_until(lambda: bench.publisher.handed)

        assert bench.publisher.handed == [BALANCES.name]
        assert bench.story.lines == []
        bench.publisher.open.set()
        await bench.all_done()


class TestAStrangersMark:
    @pytest.mark.parametrize(("later_s", "times"), [(DEADLINE_S - 0.1, 1), (DEADLINE_S, 2)])
    async def test_has_the_state_said_again_when_the_stranger_must_have_given_up(
        self, clock: Clock, later_s: float, times: int
    ) -> None:
        bench = await a_bench(signed_off=False)
        await bench.take(command(0))
        await bench.idle_until(lambda: not bench.engine.progress.busy)

        clock.now_s += later_s
        await bench.engine.idle()
        await bench.idle_until(lambda: not bench.engine.progress.busy)

        assert sequences(bench.said(BALANCES)) == [1] * times

    async def test_of_who_signed_off_has_nothing_said_again(self, clock: Clock) -> None:
        bench = await a_bench()
        await bench.take(command(0))
        await bench.idle_until(lambda: not bench.engine.progress.busy)

        clock.now_s += DEADLINE_S
        await bench.engine.idle()
        await bench.idle_until(lambda: not bench.engine.progress.busy)

        assert sequences(bench.said(BALANCES)) == [1]


class TestSigningOff:
    @pytest.fixture(params=["a stranger's mark", "a late write of ours"])
    async def due(self, request: pytest.FixtureRequest, clock: Clock) -> EngineInMemory:
        """Return a bench with a state that is to be said once more, and nothing else in hand."""
        del clock
        ours = request.param == "a late write of ours"
        bench = await a_bench(signed_off=ours)
        bench.publisher.failures = int(ours)
        await bench.take(command(0))
        await bench.idle_until(lambda: not bench.engine.progress.busy)
        return bench

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
        bench = await a_bench()
        bench.publisher.open.clear()
        await bench.take(command(0))
        second = asyncio.create_task(bench.take(command(1)))

        account = await bench.stored_at(2)

        assert (account.sequence, account.published_sequence) == (2, 0)
        bench.publisher.open.set()
        await second
        await bench.idle_until(lambda: not bench.engine.progress.busy)
        await bench.take(command(2))
        account = await bench.stored_at(3)
        assert account.published_sequence == 2

    async def test_is_made_up_for_by_the_next_worker_though_a_later_cycle_was_stored(self) -> None:
        """P5: the first cycle was on its way, the second applied, when the worker was killed."""
        killed = await a_bench()
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
