"""What was given up is read again, and nothing is committed behind it before (P4)."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError

from tests.builders import NOON, an_account
from tests.ports.written import write
from tests.unit.raw import DEPOSIT_BODY, a_raw
from tests.unit.workers.ledger.engine_in_memory import BATCH, DEPOSITS, EngineInMemory
from workers.consuming.records import Raw


def deposits(first: int, after: int) -> Sequence[Raw]:
    return [
        a_raw({**DEPOSIT_BODY, "command_id": f"c-{number}"}, offset=number)
        for number in range(first, after)
    ]


@pytest.fixture
async def in_memory() -> EngineInMemory:
    in_memory = EngineInMemory()
    await write(in_memory.ledger, accounts=[account := an_account()])
    await in_memory.ledger.sign_off(account.writer, at=NOON)
    return in_memory


def start_over(in_memory: EngineInMemory) -> None:
    """Do what the next poll does first: go back to what was committed."""
    consumer = in_memory.consumer
    consumer.hooks.reset_needed = False
    committed = [each[DEPOSITS] for each in consumer.commits if DEPOSITS in each]
    consumer.cursors[DEPOSITS] = max(committed, default=0)


async def test_what_was_read_ahead_of_it_is_not_decided_behind_it(
    in_memory: EngineInMemory,
) -> None:
    in_memory.ledger.open.clear()
    await in_memory.take(*deposits(0, BATCH))

    async def polls_on() -> None:
        await in_memory.engine.take(in_memory.consumer.polled(deposits(BATCH, 2 * BATCH)))
        start_over(in_memory)

    read_ahead = asyncio.create_task(polls_on())
    await asyncio.sleep(0)
    in_memory.engine.membership.abandon("the group has moved on")
    in_memory.ledger.open.set()
    await read_ahead
    await in_memory.all_done()

    assert in_memory.consumer.commits == []
    assert in_memory.answered() == []


async def test_its_end_is_not_told_to_who_came_after_it(
    in_memory: EngineInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = in_memory.consumer.commit
    refused = asyncio.Event()

    async def refuse(_: Mapping[TopicPartition, int]) -> None:
        monkeypatch.setattr(in_memory.consumer, "commit", commits)
        refused.set()
        raise CommitFailedError

    monkeypatch.setattr(in_memory.consumer, "commit", refuse)
    await in_memory.take(*deposits(0, 1))
    await refused.wait()
    start_over(in_memory)

    await in_memory.take(*deposits(0, 2))
    await in_memory.take(*deposits(2, 3))
    await in_memory.all_done()

    assert {each for each, _ in in_memory.answered()} == {"c-0", "c-1", "c-2"}
    assert in_memory.consumer.commits[-1] == {DEPOSITS: 3}
