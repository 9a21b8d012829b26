"""The ledger's cycles: in a backlog one is decided while the next is read, and none is mixed up."""

import asyncio
import logging
from typing import Any

import pytest

from contracts.topics import DEPOSIT, WITHDRAW, TopicSpec
from storage.memory.ledger import MemoryTransaction
from tests.builders import NOON, an_account, readable
from tests.ports.written import write
from tests.unit.raw import DEPOSIT_BODY, a_raw
from tests.unit.workers.ledger.engine_in_memory import BATCH, DEPOSITS, WITHDRAWALS, EngineInMemory
from workers.consuming.records import Raw


def command(number: int, topic: TopicSpec = DEPOSIT, amount: str = "1.00", **how: Any) -> Raw:
    body = {**DEPOSIT_BODY, "command_id": f"c-{number}", "amount": amount}
    return a_raw(body, topic, offset=number, **how)


@pytest.fixture
async def bench() -> EngineInMemory:
    bench = EngineInMemory()
    account = an_account()
    await write(bench.ledger, accounts=[account])
    await bench.ledger.sign_off(account.writer, at=NOON)
    return bench


async def test_a_full_batch_lets_more_be_read_before_it_is_decided(bench: EngineInMemory) -> None:
    bench.ledger.open.clear()

    await asyncio.wait_for(bench.take(*map(command, range(BATCH))), 1)

    assert bench.answered() == []
    bench.ledger.open.set()
    await bench.all_done()
    assert [each for each, _ in bench.answered()] == ["c-0", "c-1", "c-2"]


async def test_a_small_batch_is_decided_first(bench: EngineInMemory) -> None:
    bench.ledger.open.clear()
    taking = asyncio.create_task(bench.take(command(0)))
    await asyncio.sleep(0.05)

    assert not taking.done()
    bench.ledger.open.set()
    await taking
    await bench.all_done()
    assert bench.answered() == [("c-0", "accepted")]


async def test_one_cycle_at_a_time_in_the_order_read(bench: EngineInMemory) -> None:
    bench.ledger.open.clear()
    await bench.take(*map(command, range(BATCH)))
    second = asyncio.create_task(bench.take(*map(command, range(BATCH, 2 * BATCH))))
    await asyncio.sleep(0.05)

    assert not second.done()
    bench.ledger.open.set()
    await second
    await bench.all_done()
    assert [each for each, _ in bench.answered()] == [f"c-{n}" for n in range(2 * BATCH)]
    [last] = [
        outcome.entry
        for outcome in readable([each async for each in bench.ledger.history()])
        if outcome.entry and outcome.entry.sequence == 2 * BATCH
    ]
    assert last.after_minor == 2 * BATCH * 100


async def test_what_was_read_meanwhile_is_not_committed_with_it(bench: EngineInMemory) -> None:
    """P4: nothing is committed before it is answered."""
    bench.ledger.open.clear()
    await bench.take(*map(command, range(BATCH)))
    bench.consumer.polled([command(BATCH)])  # its poll is over, and nobody has taken it yet

    bench.ledger.open.set()
    await bench.all_done()

    assert [commit[DEPOSITS] for commit in bench.consumer.commits] == [BATCH]


async def test_a_refusal_is_not_final_while_more_is_read(bench: EngineInMemory) -> None:
    """P1: the deposit that lifts it may stand in what is read meanwhile."""
    withdrawals = [command(n, WITHDRAW, "3.00") for n in range(BATCH)]
    bench.ledger.open.clear()
    # Nothing but what is read: whoever asks beside the reading is told that all was considered.
    bench.ends.but = {DEPOSITS: 2 * BATCH, WITHDRAWALS: BATCH}
    await bench.take(*withdrawals)
    meanwhile = [command(BATCH + n, amount="3.00") for n in range(BATCH)]
    second = asyncio.create_task(bench.take(*meanwhile))
    await asyncio.sleep(0)

    bench.ledger.open.set()
    await second
    await bench.all_done()

    assert {status for _, status in bench.answered()} == {"accepted"}
    assert len(bench.answered()) == 2 * BATCH
    assert bench.consumer.commits[-1] == {DEPOSITS: 2 * BATCH, WITHDRAWALS: BATCH}


async def test_a_refusal_is_asked_about_in_the_next_cycle(bench: EngineInMemory) -> None:
    await bench.take(*(command(n, WITHDRAW, "3.00") for n in range(BATCH)))
    while bench.engine.progress.busy and not bench.ends.asked:
        await bench.engine.idle()
        await asyncio.sleep(0.01)
    await bench.all_done()

    assert {status for _, status in bench.answered()} == {"rejected"}
    assert len(bench.answered()) == BATCH


async def test_why_a_command_waits_and_when_it_is_decided_is_logged(
    bench: EngineInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    bench.ends.but = {DEPOSITS: 1}

    with caplog.at_level(logging.DEBUG, logger="workers.ledger.parking"):
        await bench.take(command(0, WITHDRAW, "3.00"))
        await bench.take(command(0, amount="3.00"))
        await bench.all_done()

    waits, decided = caplog.messages
    assert waits.endswith(
        "waits with insufficient_funds until accounts.commands.deposit-3 is read to 1"
    )
    assert "is decided, after" in decided


async def test_what_was_read_before_a_rebalance_is_dropped(bench: EngineInMemory) -> None:
    bench.ledger.open.clear()
    await bench.take(*map(command, range(BATCH)))
    second = asyncio.create_task(bench.take(command(BATCH)))
    await asyncio.sleep(0)
    bench.engine.membership.hooks.reset_needed = True
    revoked = asyncio.create_task(bench.engine.membership.revoked())
    await asyncio.sleep(0)

    bench.ledger.open.set()
    await asyncio.gather(second, revoked)

    assert [each for each, _ in bench.answered()] == ["c-0", "c-1", "c-2"]
    assert await bench.ledger.count_outcomes() == BATCH


async def test_a_cycle_that_fails_beside_the_reading_ends_the_process(
    bench: EngineInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("hunter2")

    monkeypatch.setattr(MemoryTransaction, "commit", fail)

    await bench.take(*map(command, range(BATCH)))
    await asyncio.sleep(0.05)

    assert bench.engine.progress.failed == "a batch of commands failed: ExceptionGroup"


class TestSigningOff:
    async def test_says_that_nothing_is_owed_once_all_is_out(self, bench: EngineInMemory) -> None:
        await bench.take(*map(command, range(BATCH)))

        await bench.engine.membership.drain()

        account = await bench.ledger.account("alice")
        assert account is not None
        assert await bench.ledger.signed_off([account.writer]) == {account.writer}

    async def test_is_left_out_where_something_was_given_up(self, bench: EngineInMemory) -> None:
        bench.publisher.open.clear()
        await bench.take(*map(command, range(BATCH)))
        await asyncio.sleep(0.05)
        account = await bench.ledger.account("alice")
        assert account is not None

        bench.engine.membership.abandon("told to")
        await bench.engine.membership.drain()

        assert account.sequence == BATCH
        assert await bench.ledger.signed_off([account.writer]) == set()

    async def test_goes_on_under_another_name_after_a_rebalance(
        self, bench: EngineInMemory
    ) -> None:
        names = set[str]()
        for number in range(2):
            await bench.take(command(number))
            await bench.engine.membership.revoked()
            bench.engine.membership.hooks.reset_needed = False

            account = await bench.ledger.account("alice")
            assert account is not None
            assert await bench.ledger.signed_off([account.writer]) == {account.writer}
            names.add(account.writer)

        assert len(names) == 2
