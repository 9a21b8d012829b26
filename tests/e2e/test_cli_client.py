"""The client against real Kafka: what it sends, how it finds answers, what it makes of events."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from client.accounts import AccountsClient
from client.errors import NoAnswerError, SequenceGapError, TopicMissingError, UnreachableError
from client.kafka import Kafka, Record
from client.questions import ticket_of
from client.reader import open_reader
from client.received import headers_of
from contracts.ledger import Deposit
from contracts.profile import UpdateProfile
from devstack.choose import Chosen
from handlers.wire.rendering import Rendering, balances
from tests.builders import an_account, an_outcome
from tests.e2e.command_line import a_command_line
from tests.unit.records import a_result_body
from workers.kafka.topic_plan import apply_topics

pytestmark = pytest.mark.kafka


class Topics:
    """The topics of one test, and what other programs do with them."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.kafka = Kafka(bootstrap, {})
        self.prefix = prefix

    def client(self, reply_topic: str | None = None) -> AccountsClient:
        return AccountsClient(
            self.kafka.bootstrap, topic_prefix=self.prefix, reply_topic=reply_topic
        )

    async def publish(self, topic: str, values: Sequence[bytes], key: bytes = b"alice") -> None:
        producer: Any = AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(self.prefix + topic, value, key)
        finally:
            await producer.stop()

    async def read(self, topic: str) -> list[Record]:
        records: list[Record] = []
        async with open_reader(self.kafka, [self.prefix + topic], "beginning") as reader:
            while not await reader.caught_up():
                records += await reader.poll()
        return records

    @asynccontextmanager
    async def answering(self, *answers: Mapping[str, object]) -> AsyncGenerator[None]:
        """Publish *answers* for the first deposit that comes, as the service would."""
        reading = asyncio.Event()

        async def answer() -> None:
            topic = f"{self.prefix}commands.deposit"
            async with open_reader(self.kafka, [topic], "end") as reader:
                reading.set()
                asked: dict[str, Any] = {}
                async for record in reader.records():
                    asked = orjson.loads(record.value or b"")
                    break
            names = {name: asked[name] for name in ("command_id", "username")}
            values = [orjson.dumps({**a_result_body(), **names, **one}) for one in answers]
            await self.publish("results", values)

        task = asyncio.create_task(answer())
        await reading.wait()
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def topics(stack: Chosen, tmp_path: Path) -> Topics:
    settings = a_command_line(stack.addresses, f"client-{uuid4().hex}", tmp_path).settings()
    await apply_topics(settings)
    return Topics(stack.addresses.kafka, settings.topic_prefix)


def a_deposit(command_id: str = "c-1") -> Deposit:
    return Deposit(command_id=command_id, username="alice", amount="10.50", currency="USD")


def an_event(sequence: int) -> bytes:
    return Rendering(an_outcome(sequence=sequence)).balance_event().value


class TestSend:
    async def test_keys_by_user_and_says_only_what_was_set(self, topics: Topics) -> None:
        command = UpdateProfile(command_id="c-1", username="alice", phone=None)

        async with topics.client() as accounts:
            await accounts.send(command, correlation_id="order-7", actor="gateway")

        [record] = await topics.read("commands.update-profile")
        assert record.key == b"alice"
        assert orjson.loads(record.value or b"") == {
            "command_id": "c-1",
            "username": "alice",
            "phone": None,
        }
        assert headers_of(record) == {"correlation_id": "order-7", "actor": "gateway"}

    async def test_puts_a_user_where_java_clients_put_them(self, topics: Topics) -> None:
        async with topics.client() as accounts:
            await accounts.send(a_deposit())

        [record] = await topics.read("commands.deposit")
        assert record.partition == 0  # murmur2("alice") over 3 partitions

    async def test_refuses_a_header_that_the_service_would_ignore(self, topics: Topics) -> None:
        async with topics.client() as accounts:
            with pytest.raises(ValueError, match="actor is longer than 128"):
                await accounts.send(a_deposit(), actor="a" * 129)

    async def test_says_that_nothing_was_sent_where_no_kafka_is(self) -> None:
        async with AccountsClient("127.0.0.1:9") as accounts:
            with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"):
                await accounts.send(a_deposit())


class TestAsk:
    async def test_returns_the_answer_to_this_command(self, topics: Topics) -> None:
        others = {"command_id": "c-2"}, {"username": "bobby"}
        async with topics.client() as accounts, topics.answering(*others, {}):
            result = await accounts.ask(a_deposit("c-1"))

        assert (result.username, result.command_id, result.status) == ("alice", "c-1", "accepted")

    async def test_never_takes_an_answer_from_before_it_asked(self, topics: Topics) -> None:
        await topics.publish("results", [orjson.dumps(a_result_body())])

        async with topics.client() as accounts:
            with pytest.raises(NoAnswerError, match=r"no answer within 0\.5 s"):
                await accounts.ask(a_deposit("c-1"), 0.5)

    async def test_says_that_the_outcome_is_unknown_when_nobody_answers(
        self, topics: Topics
    ) -> None:
        async with topics.client() as accounts:
            async with topics.answering({"command_id": "c-1"}):
                await accounts.ask(a_deposit("c-1"))  # connected: what follows is sent at once
            with pytest.raises(NoAnswerError, match="same command_id") as caught:
                await accounts.ask(a_deposit("c-2"), 0.5)

        assert caught.value.asked == a_deposit("c-2")
        assert len(await topics.read("commands.deposit")) == 2

    async def test_serves_many_at_once(self, topics: Topics) -> None:
        answers = [{"command_id": f"c-{number}"} for number in range(20)]
        async with topics.client() as accounts, topics.answering(*answers):
            asked = (accounts.ask(a_deposit(f"c-{number}")) for number in range(20))
            results = await asyncio.gather(*asked)

        assert [result.command_id for result in results] == [f"c-{n}" for n in range(20)]

    async def test_names_its_own_topic_for_answers(self, topics: Topics) -> None:
        own = f"{topics.prefix}results"
        async with topics.client(reply_topic=own) as accounts, topics.answering({}):
            await accounts.ask(a_deposit())

        [record] = await topics.read("commands.deposit")
        assert headers_of(record) == {"reply_to": own, "correlation_id": ticket_of(a_deposit())}

    async def test_sends_nothing_where_the_topic_of_answers_is_missing(
        self, topics: Topics
    ) -> None:
        async with topics.client(reply_topic=f"{topics.prefix}replies.none") as accounts:
            with pytest.raises(TopicMissingError, match=r"replies\.none"):
                await accounts.ask(a_deposit())

        assert await topics.read("commands.deposit") == []


class TestFollowBalanceEvents:
    async def test_yields_each_event_once_and_in_order(self, topics: Topics) -> None:
        await topics.publish("events.balance", [an_event(n) for n in (1, 2, 1, 2, 3)])

        seen: list[int] = []
        async with topics.client() as accounts:
            async for event in accounts.follow_balance_events("beginning"):
                seen.append(event.message.sequence)
                if seen[-1] == 3:
                    break

        assert seen == [1, 2, 3]

    async def test_stops_at_a_gap(self, topics: Topics) -> None:
        await topics.publish("events.balance", [an_event(n) for n in (1, 3)])

        async with topics.client() as accounts:
            events = accounts.follow_balance_events("beginning")
            await anext(events)

            with pytest.raises(SequenceGapError, match="from sequence 1 to 3"):
                await anext(events)

    async def test_goes_on_after_a_snapshot(self, topics: Topics) -> None:
        states = [balances(an_account(sequence=n, posted_minor=n)).value for n in (1, 3, 2)]
        await topics.publish("state.balances", states)
        await topics.publish("events.balance", [an_event(n) for n in (1, 2)])

        async with topics.client() as accounts:
            snapshot = await accounts.snapshot()
            await topics.publish("events.balance", [an_event(n) for n in (3, 4)])
            event = await anext(accounts.follow_balance_events(snapshot))

        assert snapshot.balances["alice"].balances["USD"].posted == "0.03"
        assert event.message.sequence == 4

    async def test_goes_on_from_offsets_of_ones_own(self, topics: Topics) -> None:
        await topics.publish("events.balance", [an_event(n) for n in (1, 2)])

        async with topics.client() as accounts:
            first = await anext(accounts.follow_balance_events("beginning"))
            offsets = {first.partition: first.next_offset}
            second = await anext(accounts.follow_balance_events(offsets))

        assert second.message.sequence == 2


class TestFollowResults:
    async def test_yields_what_comes_from_now_on(self, topics: Topics) -> None:
        await topics.publish("results", [orjson.dumps(a_result_body(command_id="before"))])

        async with topics.client() as accounts:
            results = accounts.follow_results()
            next_one = asyncio.ensure_future(anext(results))
            while not next_one.done():
                await topics.publish("results", [orjson.dumps(a_result_body(command_id="after"))])
                await asyncio.wait([next_one], timeout=0.5)

        assert next_one.result().message.command_id == "after"
