"""P4, P5: topics get more partitions, or are deleted and made again, while everybody reads them."""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from client import AccountsClient, NoAnswerError, Snapshot, fresh_command_id
from client.consumer import StoppableConsumer
from contracts.ledger import Deposit, Withdraw
from contracts.topics import DEPOSIT, RESULTS
from tests.e2e.caller import a_movement, open_caller
from tests.e2e.running import PARTITIONS, RunningService, Worker
from tests.faults.promises import eventually, verify
from tests.faults.running_traffic import started
from tests.speed import at_this_speed
from workers.kafka.connection import kafka_admin
from workers.kafka.topic_plan import Action, apply_topics

NOTICED_MAX_S = 10.0
"""What is promised of every reader."""

USERS = 24
"""Enough that some of them are placed in each partition, old and new."""

MORE = 3 * PARTITIONS


def a_client(service: RunningService) -> AccountsClient:
    return AccountsClient(service.addresses.kafka, topic_prefix=service.prefix)


def a_deposit(username: str) -> Deposit:
    return Deposit(command_id=fresh_command_id(), username=username, amount="1.00", currency="USD")


async def users_of(service: RunningService, count: int = USERS) -> Sequence[str]:
    """Register some users, each with a hundred dollars."""
    async with open_caller(service) as caller:
        return await asyncio.gather(*(caller.a_user("100.00") for _ in range(count)))


@dataclass
class Load:
    """A program that moves money all the time, and one that follows it; both opened before."""

    client: AccountsClient
    users: Sequence[str]
    answered: Counter[str] = field(default_factory=Counter[str])
    failed: list[str] = field(default_factory=list[str])
    followed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    partitions: set[int] = field(default_factory=set[int])
    """In which the follower found events."""
    over: bool = False

    async def move(self, username: str) -> None:
        """Withdraw again and again, whatever becomes of the topic of deposits."""
        while not self.over:
            command = Withdraw(
                command_id=fresh_command_id(), username=username, amount="0.01", currency="USD"
            )
            result = await self.client.ask(command, at_this_speed(30))
            if result.status != "accepted":
                self.failed.append(str(result))
            self.answered[username] += 1
            await asyncio.sleep(0.05)

    async def follow(self, follower: AccountsClient, snapshot: Snapshot) -> None:
        async for event in follower.follow_balance_events(snapshot):
            self.followed[event.message.username].append(event.message.sequence)
            self.partitions.add(event.partition.partition)


@asynccontextmanager
async def under_load(service: RunningService, users: Sequence[str]) -> AsyncGenerator[Load]:
    """Move money all the while; check at the end that all is answered and followed, in order."""
    async with a_client(service) as client, a_client(service) as follower:
        snapshot = await follower.snapshot()
        load = Load(client, users)
        following = asyncio.create_task(load.follow(follower, snapshot))
        moving = [asyncio.create_task(load.move(user)) for user in users]
        try:
            await eventually(lambda: len(load.followed) == len(users), "all are followed", 60)
            yield load
            load.over = True
            await asyncio.gather(*moving)
            assert load.failed == []
            async with a_client(service) as another:
                now = (await another.snapshot()).balances
            first = {user: snapshot.balances[user].sequence + 1 for user in users}
            await eventually(
                lambda: (
                    following.done()
                    or all(load.followed[user][-1] >= now[user].sequence for user in users)
                ),
                "the follower has all",
                at_this_speed(NOTICED_MAX_S),
                lambda: {user: (load.followed[user][-1], now[user].sequence) for user in users},
            )
            assert not following.done(), following.exception()
            for user in users:
                seen = load.followed[user]
                assert seen == list(range(first[user], first[user] + len(seen))), (user, seen)
        finally:
            for task in (following, *moving):
                task.cancel()
            await asyncio.gather(following, *moving, return_exceptions=True)


async def delete(service: RunningService, topic: str) -> None:
    async with kafka_admin(service.settings) as admin:
        await admin.delete_topics([topic])
        async with asyncio.timeout(30):
            while topic in await admin.list_topics():  # noqa: ASYNC110 - nothing tells us
                await asyncio.sleep(0.05)


async def all_read(workers: Sequence[Worker], topic: str, partitions: int) -> float:
    """Return how many seconds passed until *workers* together read all of *topic*."""
    began_s = time.monotonic()

    def is_read() -> bool:
        return len({part for each in workers for part in lag_series(each, topic)}) == partitions

    await eventually(is_read, f"{topic} is read", at_this_speed(60))
    return time.monotonic() - began_s


def said_of_topics(worker: Worker) -> str:
    return worker.health()["components"]["topics"].get("detail", "")


def lag_series(worker: Worker, topic: str) -> set[str]:
    _, text = worker.get("/metrics")
    start = 'accounts_consumer_lag_records{partition="'
    return {
        line.removeprefix(start).partition('"')[0]
        for line in text.splitlines()
        if line.startswith(start) and f'topic="{topic}"' in line
    }


async def answered_within(service: RunningService, users: Sequence[str], within_s: float) -> None:
    """Have a program that starts now move money of each of *users*."""
    async with a_client(service) as fresh:
        results = await asyncio.gather(*(fresh.ask(a_deposit(user), within_s) for user in users))
    assert {result.status for result in results} == {"accepted"}


async def test_partitions_that_are_added_are_read_by_everybody(service: RunningService) -> None:
    """P4, P5: by workers within seconds; open clients and followers miss nothing."""
    await started(service, 2)
    users = await users_of(service)
    more = service.but(partitions=str(MORE))
    async with under_load(service, users) as load:
        await apply_topics(more.settings, allowed=frozenset({Action.ADD_PARTITIONS}))

        await answered_within(service, users, at_this_speed(NOTICED_MAX_S))

        # A worker that starts now knows the new partitions and publishes there at once, while the
        # others go on in the old ones: each user's events come from both.
        await started(more, 1)
        for _ in range(5):
            await answered_within(service, users, at_this_speed(30))
        await eventually(
            lambda: any(number >= PARTITIONS for number in load.partitions),
            "the follower reads new partitions",
            60,
        )
        before = load.answered.copy()
        await eventually(
            lambda: all(load.answered[user] >= before[user] + 3 for user in users),
            "everybody is answered",
            60,
        )

    verify(more)


async def test_a_command_topic_made_again_is_read_from_its_beginning(
    service: RunningService,
) -> None:
    """P4: health says that it is not read; from its return nothing is skipped and nothing lost."""
    [worker] = await started(service, 1)
    users = await users_of(service)
    topic = service.topic(DEPOSIT)
    async with under_load(service, users):
        await delete(service, topic)
        await eventually(
            # Not ready is also who has just lost its partitions: what is wrong has to be said.
            lambda: not worker.is_ready() and topic in said_of_topics(worker),
            "health says so",
            at_this_speed(NOTICED_MAX_S),
        )
        assert worker.metric("accounts_topic_partitions", topic=topic) == 0

        await apply_topics(service.settings)

        await answered_within(service, users, at_this_speed(NOTICED_MAX_S))
        await eventually(worker.is_ready, "health recovers", at_this_speed(NOTICED_MAX_S))
        assert await all_read([worker], topic, PARTITIONS) < at_this_speed(NOTICED_MAX_S)


async def test_a_topic_made_again_at_once_is_not_taken_for_the_one_before(
    by_default: RunningService,
) -> None:
    """P4: its records are not skipped where it soon reaches further than the old one was read."""
    [worker] = await started(by_default, 1)
    users = await users_of(by_default, 3)
    worker.pause()  # so that it never sees that the topic is gone, and stays in its group
    await delete(by_default, by_default.topic(DEPOSIT))
    await apply_topics(by_default.settings)
    async with open_caller(by_default) as caller:
        commands = [a_movement(user, "1.00") for user in users for _ in range(30)]
        for command in commands:
            await caller.send(DEPOSIT, command)

        worker.resume()

        for command in commands:
            await caller.inbox.answer(command["command_id"], within_s=at_this_speed(60))


async def test_an_offset_committed_too_late_says_nothing_of_a_topic_made_again(
    service: RunningService,
) -> None:
    """P4: as a worker leaves it that finishes what it read of the topic before."""
    [worker] = await started(service, 1)
    users = await users_of(service, 3)
    worker.stop()
    topic = service.topic(DEPOSIT)
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    settings = service.settings
    told: dict[str, Any] = {"group_id": settings.ledger.group, "enable_auto_commit": False}
    consumer: Any = StoppableConsumer(bootstrap_servers=settings.kafka_bootstrap, **told)
    await consumer.start()
    try:
        consumer.assign(places)
        committed = await consumer._coordinator.fetch_committed_offsets(places)  # noqa: SLF001
        assert any(committed.values())
        await delete(service, topic)
        await apply_topics(settings)
        async with open_caller(service) as caller:
            commands = [a_movement(user, "1.00") for user in users for _ in range(10)]
            for command in commands:
                await caller.send(DEPOSIT, command)
            await consumer.commit({tp: (3, found.metadata) for tp, found in committed.items()})

            await started(service, 1)

            for command in commands:
                await caller.inbox.answer(command["command_id"])
    finally:
        await consumer.stop()


async def test_a_client_goes_on_after_the_topic_of_answers_was_made_again(
    service: RunningService,
) -> None:
    await started(service, 1)
    [user] = await users_of(service, 1)
    async with a_client(service) as client:
        assert (await client.ask(a_deposit(user))).status == "accepted"
        await delete(service, service.topic(RESULTS))
        await apply_topics(service.settings)

        deadline = time.monotonic() + at_this_speed(60)
        while True:
            with contextlib.suppress(NoAnswerError):
                result = await client.ask(a_deposit(user), at_this_speed(NOTICED_MAX_S))
                break
            assert time.monotonic() < deadline

    assert result.status == "accepted"
