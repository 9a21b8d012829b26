"""Publishing many: what goes together, what waits, and what becomes of each when Kafka says no."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError

from client import sender as sending
from client.errors import (
    AccountsClientError,
    NotAcknowledgedError,
    NotSentError,
    UnreachableError,
)
from client.kafka import Kafka
from client.many import Headers, Many, waves
from client.partitioning import hash_of
from client.sender import Sender
from contracts.commands import AnyCommand
from contracts.ledger import Deposit, Withdraw

DEPOSITS, WITHDRAWALS = "accounts.commands.deposit", "accounts.commands.withdraw"
PARTITIONS = 3


def a_deposit(username: str, command_id: str = "d") -> Deposit:
    return Deposit(command_id=command_id, username=username, amount="1.00", currency="USD")


def a_withdrawal(username: str, command_id: str = "w") -> Withdraw:
    return Withdraw(command_id=command_id, username=username, amount="1.00", currency="USD")


def told(commands: Sequence[AnyCommand]) -> str:
    return " ".join(f"{each.username}-{each.command_id}" for each in commands)


class TestWaves:
    def test_hold_back_what_would_overtake(self) -> None:
        given = [
            a_deposit("al", "1"),
            a_deposit("al", "2"),
            a_withdrawal("al", "3"),
            a_withdrawal("bo", "1"),
            a_deposit("al", "4"),
            a_withdrawal("bo", "2"),
        ]

        assert [told(each) for each in waves(given)] == ["al-1 al-2 bo-1 bo-2", "al-3", "al-4"]

    def test_of_nothing_are_none(self) -> None:
        assert waves([]) == []


class Waves:
    """Takes waves, and refuses the commands that it is told to."""

    def __init__(self, *refused: str) -> None:
        self.taken: list[str] = []
        self._refused = refused

    async def send_wave(
        self, topics: Sequence[str], commands: Sequence[AnyCommand], headers: Headers
    ) -> Sequence[AccountsClientError | None]:
        assert len(topics) == len(commands)
        assert headers == ()
        self.taken.append(told(commands))
        return [NotSentError("no") if told([each]) in self._refused else None for each in commands]


async def test_nothing_of_a_user_goes_out_behind_what_did_not() -> None:
    sender = Waves("al-1")
    many = Many(sender, "accounts.", ())

    await many.publish(iter([a_deposit("al", "1"), a_withdrawal("al", "2"), a_deposit("bo", "1")]))

    assert sender.taken == ["al-1 bo-1", ""]
    assert {told([each.command]): str(each.error) for each in many.unpublished} == {
        "al-1": "no",
        "al-2": "a command of this user before it was not published",
    }


class Batch:
    """Has room for two."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, key: bytes, value: bytes, **_: Any) -> object | None:
        del key
        if len(self.values) == 2:
            return None
        self.values.append(value)
        return object()


class Producer:
    """Behaves as aiokafka's; what becomes of a batch is up to the test."""

    sent: list[tuple[str, int, int]]
    error: Exception | None
    refused: Exception | None
    silent: bool

    def __init__(self, **_: Any) -> None: ...

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def partitions_for(self, topic: str) -> set[int]:
        del topic
        if Producer.refused:
            raise Producer.refused
        return {*range(PARTITIONS)}

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int
    ) -> asyncio.Future[object]:
        Producer.sent.append((topic, partition, len(batch.values)))
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if Producer.error:
            done.set_exception(Producer.error)
        elif not Producer.silent:
            done.set_result(None)
        return done


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> Sender:
    Producer.sent, Producer.error, Producer.refused, Producer.silent = [], None, None, False
    monkeypatch.setattr(sending, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(sending, "SEND_TIMEOUT_S", 0.05)
    return Sender(Kafka("127.0.0.1:1", {}))


async def sent(sender: Sender, *commands: AnyCommand) -> list[str | None]:
    topics = [DEPOSITS if isinstance(each, Deposit) else WITHDRAWALS for each in commands]
    errors = await sender.send_wave(topics, commands, ())
    return [error and type(error).__name__ for error in errors]


class TestWavesOnTheirWay:
    async def test_are_batches_in_each_users_partition(self, sender: Sender) -> None:
        found = await sent(sender, *[a_deposit("al", str(each)) for each in range(5)])

        assert found == [None] * 5
        assert Producer.sent == [(DEPOSITS, hash_of(b"al") % PARTITIONS, n) for n in (2, 2, 1)]

    @pytest.mark.parametrize(
        ("error", "named"),
        [
            (MessageSizeTooLargeError(), NotSentError),
            (KafkaConnectionError(), NotAcknowledgedError),
        ],
    )
    async def test_say_of_each_what_kafka_said(
        self, sender: Sender, error: Exception, named: type[AccountsClientError]
    ) -> None:
        Producer.error = error

        assert await sent(sender, a_deposit("al"), a_withdrawal("bo")) == [named.__name__] * 2

    async def test_without_an_answer_may_be_there(self, sender: Sender) -> None:
        Producer.silent = True

        assert await sent(sender, a_deposit("al")) == [NotAcknowledgedError.__name__]

    @pytest.mark.parametrize("error", [KafkaConnectionError(), TimeoutError()], ids=repr)
    async def test_without_kafka_were_not_sent(self, sender: Sender, error: Exception) -> None:
        Producer.refused = error

        assert await sent(sender, a_deposit("al")) == [UnreachableError.__name__]
