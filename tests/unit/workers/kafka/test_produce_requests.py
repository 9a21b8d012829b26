"""Requests to publish, written at once: the bytes are aiokafka's own."""

import struct
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import (
    ProduceRequest,
    ProduceRequest_v0,
    ProduceRequest_v3,
    ProduceRequest_v7,
)

from workers.kafka.produce_requests import ProduceRequests
from workers.kafka.record_batches import BuiltBatch

TOPICS: list[tuple[str, list[tuple[int, Any]]]] = [
    ("results", [(0, b"some records"), (11, bytearray(b"\0" * 1000)), (3, b"")]),
    ("Zürich", []),
    ("events", [(2, None)]),
]


class Client:
    """Keeps what it is asked, as aiokafka's connection would write it."""

    def __init__(self, version: type[Any] = ProduceRequest_v7) -> None:
        self.version = version
        self.sent: list[tuple[int, Any, dict[str, Any]]] = []

    async def send(self, node_id: int, request: Any, **how: Any) -> str:
        self.sent.append((node_id, request, how))
        return "answered"

    def written(self) -> bytes:
        [(_, request, _)] = self.sent
        return as_sent(request.build(self.version))


def as_sent(request: Any) -> bytes:
    """Return what `aiokafka.conn.AIOKafkaConnection.send` writes: what it does, in its words."""
    message = request.build_request_header(correlation_id=7, client_id="me").encode()
    message = message + request.encode()
    size = struct.pack(">i", len(message))
    return size + message


def produced(topics: list[tuple[str, list[tuple[int, Any]]]]) -> ProduceRequest:
    return ProduceRequest(transactional_id=None, required_acks=-1, timeout=30_000, topics=topics)


@pytest.mark.parametrize("version", [ProduceRequest_v0, ProduceRequest_v3, ProduceRequest_v7])
@pytest.mark.parametrize("topics", [TOPICS, TOPICS[:1], []])
async def test_the_bytes_are_aiokafkas(version: type[Any], topics: Any) -> None:
    client = Client(version)
    own = as_sent(produced(topics).build(version))
    ProduceRequests(client)
    assert await client.send(1, produced(topics)) == "answered"
    assert client.written() == own


async def test_the_records_are_copied_once() -> None:
    """Else each level of the request would begin a copy of them."""
    client = Client()
    ProduceRequests(client)
    copies: list[int] = []

    class Watched(bytes):
        def __radd__(self, other: bytes) -> bytes:
            copies.append(len(other))
            return bytes(other) + bytes(self)

    await client.send(1, produced([("results", [(0, Watched(b"records"))])]))
    assert client.written().endswith(b"records")
    assert not copies


async def test_a_batch_of_ours_is_written_like_any_other() -> None:
    built = BuiltBatch((b"header", b"records"))
    client = Client()
    own = as_sent(produced([("results", [(0, bytes(built))])]).build(ProduceRequest_v7))
    ProduceRequests(client)
    await client.send(1, produced([("results", [(0, built)])]))
    assert client.written() == own


async def test_other_requests_pass_as_they_are() -> None:
    client = Client()
    ProduceRequests(client)
    fetch = FetchRequest(500, 1, 1000, 0, [], "")
    await client.send(4, fetch, group="fetches")
    assert client.sent == [(4, fetch, {"group": "fetches"})]
    assert "build" not in vars(fetch)
