"""Many send through one producer; a call that gives up or gets no answer takes no other along."""

import asyncio
from functools import partial
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    ProducerClosed,
)

from client import sender as sending
from client.errors import NotAcknowledgedError, NotSentError, UnreachableError
from client.kafka import Kafka
from client.sender import Sender
from contracts.ledger import Deposit

TOPIC = "accounts.commands.deposit"


class Broker:
    """What the producers below share: which topics are known, and what is to be acknowledged."""

    def __init__(self) -> None:
        self.attempts = 0
        self.away = False
        self.topic_known = asyncio.Event()
        self.topic_known.set()
        self.taken: list[asyncio.Future[None]] = []
        self.closed = 0


class Producer:
    """Behaves as aiokafka's: closed, it fails what is on its way."""

    def __init__(self, broker: Broker, **_: Any) -> None:
        self._broker = broker
        self._mine: list[asyncio.Future[None]] = []

    async def start(self) -> None:
        self._broker.attempts += 1
        await asyncio.sleep(0)
        if self._broker.away:
            raise KafkaConnectionError("away")

    async def stop(self) -> None:
        self._broker.closed += 1
        for acknowledged in self._mine:
            if not acknowledged.done():
                acknowledged.set_exception(ProducerClosed())

    async def send(self, _topic: str, value: bytes, _key: bytes, **_: Any) -> asyncio.Future[None]:
        await self._broker.topic_known.wait()
        if b"too large" in value:
            raise MessageSizeTooLargeError
        acknowledged = asyncio.get_running_loop().create_future()
        self._mine.append(acknowledged)
        self._broker.taken.append(acknowledged)
        return acknowledged


class SilentProducer(Producer):
    """Does not come to the end of its start."""

    async def start(self) -> None:
        await asyncio.Event().wait()


class ForgetfulProducer(Producer):
    """Closed before Kafka answered, it says nothing of what was on its way."""

    async def stop(self) -> None:
        self._broker.closed += 1


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(sending, "AIOKafkaProducer", partial(Producer, broker))
    return broker


@pytest.fixture
def sender(broker: Broker) -> Sender:
    del broker
    return Sender(Kafka("127.0.0.1:1", {}))


def a_send(sender: Sender, reason: str = "x") -> asyncio.Task[None]:
    deposit = Deposit(
        command_id="c-1", username="alice", amount="1.00", currency="USD", reason=reason
    )
    return asyncio.create_task(sender.send(TOPIC, deposit, []))


async def a_turn() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_that_is_cancelled_after_it_was_taken_ends_no_other(
    broker: Broker, sender: Sender
) -> None:
    cancelled, other = a_send(sender), a_send(sender)
    await a_turn()
    cancelled.cancel()
    await a_turn()
    later = a_send(sender)
    await a_turn()

    for acknowledged in broker.taken:
        acknowledged.set_result(None)
    await other
    await later

    assert cancelled.cancelled()
    assert (broker.attempts, broker.closed, len(broker.taken)) == (1, 0, 3)


async def test_one_that_is_cancelled_before_it_was_taken_is_not_sent(
    broker: Broker, sender: Sender
) -> None:
    broker.topic_known.clear()
    cancelled, other = a_send(sender), a_send(sender)
    await a_turn()
    cancelled.cancel()
    await a_turn()

    broker.topic_known.set()
    await a_turn()

    assert len(broker.taken) == 1
    broker.taken[0].set_result(None)
    await other


async def test_one_without_acknowledgement_leaves_the_others_their_producer(
    broker: Broker, sender: Sender
) -> None:
    lost, other = a_send(sender), a_send(sender)
    await a_turn()
    broker.taken[0].set_exception(KafkaConnectionError("told to fail"))
    with pytest.raises(NotAcknowledgedError, match="no acknowledgement"):
        await lost
    await a_turn()

    later = a_send(sender)
    await a_turn()
    assert (broker.attempts, broker.closed) == (2, 0)

    for acknowledged in broker.taken[1:]:
        acknowledged.set_result(None)
    await other
    await later
    await a_turn()
    assert broker.closed == 1


async def test_a_producer_is_replaced_though_nobody_waits_for_what_it_lost(
    broker: Broker, sender: Sender
) -> None:
    given_up = a_send(sender)
    await a_turn()
    given_up.cancel()
    await a_turn()
    broker.taken[0].set_exception(KafkaConnectionError("told to fail"))
    await a_turn()

    later = a_send(sender)
    await a_turn()
    broker.taken[1].set_result(None)
    await later

    assert (broker.attempts, broker.closed) == (2, 1)


async def test_one_that_kafka_does_not_take_costs_no_producer(
    broker: Broker, sender: Sender
) -> None:
    with pytest.raises(NotSentError):
        await a_send(sender, "too large")

    assert broker.closed == 0


async def test_all_wait_for_one_attempt_to_reach_kafka(broker: Broker, sender: Sender) -> None:
    broker.away = True
    sends = [a_send(sender) for _ in range(20)]

    ends = await asyncio.gather(*sends, return_exceptions=True)

    assert [type(end) for end in ends] == [UnreachableError] * 20
    assert broker.attempts == 1


async def test_a_start_without_end_is_not_waited_for(
    broker: Broker, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "AIOKafkaProducer", partial(SilentProducer, broker))
    monkeypatch.setattr(sending, "SEND_TIMEOUT_S", 0.01)

    with pytest.raises(UnreachableError, match="nothing was sent"):
        await a_send(sender)


@pytest.mark.parametrize("producer", [Producer, ForgetfulProducer])
async def test_closing_tells_who_waits_that_its_outcome_is_unknown(
    broker: Broker, sender: Sender, monkeypatch: pytest.MonkeyPatch, producer: type[Producer]
) -> None:
    monkeypatch.setattr(sending, "AIOKafkaProducer", partial(producer, broker))
    waiting = a_send(sender)
    await a_turn()

    await sender.close()

    with pytest.raises(NotAcknowledgedError):
        await waiting
    assert broker.closed == 1
