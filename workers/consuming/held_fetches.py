"""Fetches over connections of their own: Kafka may hold them long, and nothing waits behind them."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchResponse_v1

from client.screening import FETCH

CONNECTIONS = "fetches"
"""Which of a client's connections to a broker fetches go over."""

LONG_MS = 100
"""A fetch that may be held no longer is waited for: that costs less than a new connection."""


class HeldFetches:
    """The fetches of one consumer, which end as soon as they no longer ask for the right thing.

    Kafka answers the requests of one connection one after the other. On a common one, where a new
    partition begins would be answered behind a fetch that finds nothing.
    """

    def __init__(self, client: Any) -> None:
        """Stand between the consumer and its *client* of aiokafka's."""
        self._client = client
        self._ask = client.send
        self.held: dict[int, asyncio.Future[None]] = {}
        """What each broker holds; done once the fetch is to end."""
        client.send = self.send

    async def send(self, node_id: int, request: Any, **how: Any) -> Any:
        """Ask a broker; of a fetch that ended early nothing is returned, and it is asked again."""
        if request.API_KEY != FETCH:
            return await self._ask(node_id, request, **how)
        if _held_ms(request) <= LONG_MS:
            return await self._ask(node_id, request, group=CONNECTIONS)
        asked = asyncio.ensure_future(self._ask(node_id, request, group=CONNECTIONS))
        ends = self.held[node_id] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((asked, ends), return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else FetchResponse_v1(0, [])
        finally:
            if self.held.get(node_id) is ends:
                del self.held[node_id]
            if not asked.done():
                self._hang_up(node_id, asked)

    def end(self, places: Iterable[TopicPartition]) -> None:
        """End what is held by the brokers of *places*, which are to be read on elsewhere or anew."""
        if not self.held:
            return
        for node_id in {self._client.cluster.leader_for_partition(tp) for tp in places}:
            ends = self.held.get(node_id)
            if ends is not None and not ends.done():
                ends.set_result(None)

    def _hang_up(self, node_id: int, asked: asyncio.Future[Any]) -> None:
        """Drop the connection on which Kafka would answer nothing else before what was *asked*."""
        asked.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        asked.cancel()
        connection = self._client._conns.get((node_id, CONNECTIONS))  # noqa: SLF001 - no other way
        if connection is not None:
            connection.close()


def _held_ms(request: Any) -> int:
    return request._max_wait_ms  # noqa: SLF001 - it has no way to be asked
