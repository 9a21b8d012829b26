"""That a consumer stops whole, and ends nobody else's task."""

# What hangs is inside of aiokafka, and has no name outside:
# ruff: noqa: SLF001

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import KafkaError

from client import consumer as stopping
from client.consumer import StoppableConsumer


class Begun:
    """What *consumer* has begun: to read without an assignment, and to watch the brokers."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        inner: Any = consumer
        self._fetcher: Any = Fetcher(inner._client, SubscriptionState())
        inner._fetcher = self._fetcher
        self.watch = asyncio.create_task(asyncio.sleep(60))
        inner._client._sync_task = self.watch

    def fetch(self) -> asyncio.Task[None]:
        """Return a fetch that has not begun."""
        fetch = asyncio.create_task(asyncio.sleep(60))
        self._fetcher._pending_tasks.add(fetch)
        return fetch


class TestStop:
    async def test_is_ended_by_its_own_fetch_in_aiokafka(self) -> None:
        begun = Begun(consumer := AIOKafkaConsumer())
        await asyncio.sleep(0)
        begun.fetch()

        with pytest.raises(asyncio.CancelledError):
            await consumer.stop()

        assert not begun.watch.done(), "aiokafka mends itself now: drop what we do about it"
        begun.watch.cancel()

    async def test_ends_the_fetch_and_disconnects(self) -> None:
        begun = Begun(consumer := StoppableConsumer())
        await asyncio.sleep(0)
        fetch = begun.fetch()

        await consumer.stop()
        await consumer.stop()

        assert fetch.cancelled()
        assert begun.watch.cancelled()

    async def test_disconnects_though_the_fetches_never_end(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stopping, "STOP_TIMEOUT_S", 0.1)
        begun = Begun(consumer := StoppableConsumer())
        begun.fetch()

        await consumer.stop()

        assert begun.watch.cancelled()

    async def test_passes_on_what_went_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        begun = Begun(consumer := StoppableConsumer())

        async def fail(_: Fetcher) -> None:
            raise KafkaError("the broker is gone")

        monkeypatch.setattr(Fetcher, "close", fail)

        with pytest.raises(KafkaError, match="the broker is gone"):
            await consumer.stop()
        begun.watch.cancel()
