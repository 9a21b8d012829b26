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
async def in_memory() -> EngineInMemory:
    in_memory = EngineInMemory()
    account = an_account()
    await write(in_memory.ledger, accounts=[account])
    await in_memory.ledger.sign_off(account.writer, at=NOON)
    return in_memory


async def test_a_full_batch_lets_more_be_read_before_it_is_decided(
    in_memory: EngineInMemory,
) -> None:
    in_memory.ledger.open.clear()

    await asyncio.wait_for(in_memory.take(*map(command, range(BATCH))), 1)

    assert in_memory.answered() == []
    in_memory.ledger.open.set()
    await in_memory.all_done()
    assert [each for each, _ in in_memory.answered()] == ["c-0", "c-1", "c-2"]


async def test_a_small_batch_is_decided_first(in_memory: EngineInMemory) -> None:
    in_memory.ledger.open.clear()
    taking = asyncio.create_task(in_memory.take(command(0)))
    await asyncio.sleep(0.05)

    assert not taking.done()
    in_memory.ledger.open.set()
    await taking
    await in_memory.all_done()
    assert in_memory.answered() == [("c-0", "accepted")]


async def test_one_cycle_at_a_time_in_the_order_read(in_memory: EngineInMemory) -> None:
    in_memory.ledger.open.clear()
    await in_memory.take(*map(command, range(BATCH)))
    second = asyncio.create_task(in_memory.take(*map(command, range(BATCH, 2 * BATCH))))
    await asyncio.sleep(0.05)

    assert not second.done()
    in_memory.ledger.open.set()
    await second
    await in_memory.all_done()
    assert [each for each, _ in in_memory.answered()] == [f"c-{n}" for n in range(2 * BATCH)]
    [last] = [
        outcome.entry
        for outcome in readable([each async for each in in_memory.ledger.history()])
        if outcome.entry and outcome.entry.sequence == 2 * BATCH
    ]
    assert last.after_minor == 2 * BATCH * 100


async def test_what_was_read_meanwhile_is_not_committed_with_it(in_memory: EngineInMemory) -> None:
    """P4: nothing is committed before it is answered."""
    in_memory.ledger.open.clear()
    await in_memory.take(*map(command, range(BATCH)))
    in_memory.consumer.polled([command(BATCH)])  # its poll is over, and nobody has taken it yet

    in_memory.ledger.open.set()
    await in_memory.all_done()

    assert [commit[DEPOSITS] for commit in in_memory.consumer.commits] == [BATCH]


async def test_a_refusal_is_not_final_while_more_is_read(in_memory: EngineInMemory) -> None:
    """P1: the deposit that lifts it may stand in what is read meanwhile."""
    withdrawals = [command(n, WITHDRAW, "3.00") for n in range(BATCH)]
    in_memory.ledger.open.clear()
    # Nothing but what is read: whoever asks beside the reading is told that all was considered.
    in_memory.ends.but = {DEPOSITS: 2 * BATCH, WITHDRAWALS: BATCH}
    await in_memory.take(*withdrawals)
    meanwhile = [command(BATCH + n, amount="3.00") for n in range(BATCH)]
    second = asyncio.create_task(in_memory.take(*meanwhile))
    await asyncio.sleep(0)

    in_memory.ledger.open.set()
    await second
    await in_memory.all_done()

    assert {status for _, status in in_memory.answered()} == {"accepted"}
    assert len(in_memory.answered()) == 2 * BATCH
    assert in_memory.consumer.commits[-1] == {DEPOSITS: 2 * BATCH, WITHDRAWALS: BATCH}


async def test_a_refusal_is_asked_about_in_the_next_cycle(in_memory: EngineInMemory) -> None:
    await in_memory.take(*(command(n, WITHDRAW, "3.00") for n in range(BATCH)))
    while in_memory.engine.progress.busy and not in_memory.ends.asked:
        await in_memory.engine.idle()
        await asyncio.sleep(0.01)
    await in_memory.all_done()

    assert {status for _, status in in_memory.answered()} == {"rejected"}
    assert len(in_memory.answered()) == BATCH


async def test_why_a_command_waits_and_when_it_is_decided_is_logged(
    in_memory: EngineInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    in_memory.ends.but = {DEPOSITS: 1}

    with caplog.at_level(logging.DEBUG, logger="workers.ledger.parking"):
        await in_memory.take(command(0, WITHDRAW, "3.00"))
        await in_memory.take(command(0, amount="3.00"))
        await in_memory.all_done()

    waits, decided = caplog.messages
    assert waits.endswith(
        "waits with insufficient_funds until accounts.commands.deposit-3 is read to 1"
    )
    assert "is decided, after" in decided


async def test_what_was_read_before_a_rebalance_is_dropped(in_memory: EngineInMemory) -> None:
    in_memory.ledger.open.clear()
    await in_memory.take(*map(command, range(BATCH)))
    second = asyncio.create_task(in_memory.take(command(BATCH)))
    await asyncio.sleep(0)
    in_memory.engine.membership.hooks.reset_needed = True
    revoked = asyncio.create_task(in_memory.engine.membership.revoked())
    await asyncio.sleep(0)

    in_memory.ledger.open.set()
    await asyncio.gather(second, revoked)

    assert [each for each, _ in in_memory.answered()] == ["c-0", "c-1", "c-2"]
    assert await in_memory.ledger.count_outcomes() == BATCH


async def test_a_cycle_that_fails_beside_the_reading_ends_the_process(
    in_memory: EngineInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("hunter2")

    monkeypatch.setattr(MemoryTransaction, "commit", fail)

    await in_memory.take(*map(command, range(BATCH)))
    await asyncio.sleep(0.05)

    assert in_memory.engine.progress.failed == "a batch of commands failed: ExceptionGroup"


class TestSigningOff:
    async def test_says_that_nothing_is_owed_once_all_is_out(
        self, in_memory: EngineInMemory
    ) -> None:
        await in_memory.take(*map(command, range(BATCH)))

        await in_memory.engine.membership.drain()

        account = await in_memory.ledger.account("alice")
        assert account is not None
        assert await in_memory.ledger.signed_off([account.writer]) == {account.writer}

    async def test_is_left_out_where_something_was_given_up(
        self, in_memory: EngineInMemory
    ) -> None:
        in_memory.publisher.open.clear()
        await in_memory.take(*map(command, range(BATCH)))
        await asyncio.sleep(0.05)
        account = await in_memory.ledger.account("alice")
        assert account is not None

        in_memory.engine.membership.abandon("told to")
        await in_memory.engine.membership.drain()

        assert account.sequence == BATCH
        assert await in_memory.ledger.signed_off([account.writer]) == set()

    async def test_goes_on_under_another_name_after_a_rebalance(
        self, in_memory: EngineInMemory
    ) -> None:
        names = set[str]()
        for number in range(2):
            await in_memory.take(command(number))
            await in_memory.engine.membership.revoked()
            in_memory.engine.membership.hooks.reset_needed = False

            account = await in_memory.ledger.account("alice")
            assert account is not None
            assert await in_memory.ledger.signed_off([account.writer]) == {account.writer}
            names.add(account.writer)

        assert len(names) == 2
