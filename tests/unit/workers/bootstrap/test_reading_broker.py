"""A process that could not start to read does not go on without."""

import asyncio
import socket

import pytest
from aiokafka.errors import KafkaConnectionError
from faststream.asgi import AsgiFastStream
from faststream.kafka import KafkaBroker

from tests.simulation.network import UnforeseenError
from workers.bootstrap.consumers import Consumers
from workers.bootstrap.reading_broker import ReadingBroker
from workers.bootstrap.sidecar_server import sidecar_server

PATIENCE_S = 60.0
"""It fails at once."""


class Failing(Consumers):
    """Consumers that cannot connect."""

    def __init__(self, error: Exception) -> None:
        super().__init__([])
        self._error = error

    async def connect(self, broker: KafkaBroker) -> None:
        del broker
        raise self._error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KafkaConnectionError("nobody"), "Kafka failed at the start: KafkaConnectionError: nobody"),
        (UnforeseenError("canary"), "the start failed: UnforeseenError"),
    ],
)
async def test_a_process_that_cannot_read_ends(error: Exception, reason: str) -> None:
    """Its sidecar is there before anything is read, and would be there for ever."""
    ended: list[str] = []

    def end(reason: str) -> None:
        ended.append(reason)
        server.should_exit = True

    broker = ReadingBroker("127.0.0.1:1", end=end, logger=None)
    broker.consumers = Failing(error)
    server = sidecar_server(AsgiFastStream(broker, logger=None))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))

    async with asyncio.timeout(PATIENCE_S):
        await server.serve(sockets=[listener])

    assert server.started
    assert ended == [reason]
