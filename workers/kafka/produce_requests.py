"""Requests to publish, written at once.

aiokafka writes a request from the inside out and copies what it has at each of its levels, and twice
more as it puts a header before it, so every record eight times. A cycle has megabytes of them, for
which each copy is new memory.
"""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka.protocol.types import Array, Bytes, Int32, Schema

from workers.kafka.record_batches import BuiltBatch

PRODUCE = 0
"""Kafka's number of the request."""


class ProduceRequests:
    """Stands between a producer and its *client* of aiokafka's."""

    def __init__(self, client: Any) -> None:
        """Take the place of the client's way of sending."""
        self._ask = client.send
        client.send = self.send

    async def send(self, node_id: int, request: Any, **how: Any) -> Any:
        """Ask a broker; only what is to be published is large."""
        if request.API_KEY == PRODUCE:
            request.build = partial(_built, request.build)
        return await self._ask(node_id, request, **how)


class Headed:
    """A request behind its header; behind its size, too, it is all its bytes."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        """Return how many bytes it has."""
        return sum(map(len, self._parts))

    def __radd__(self, size: bytes) -> bytes:
        """Copy everything, once."""
        return b"".join((size, *self._parts))


class Unjoined:
    """The parts of a request, to which aiokafka adds a header and then a size: `size + (header + this)`."""

    __slots__ = ("parts",)

    def __init__(self, request: Any) -> None:
        """Take apart *request*, a struct of one version of the protocol."""
        self.parts: list[bytes] = []
        fields = [getattr(request, name) for name in request.SCHEMA.names]
        _add(self.parts, request.SCHEMA, fields)

    def __radd__(self, header: bytes) -> Headed:
        """Copy nothing yet."""
        return Headed((header, *self.parts))


def _built(build: Any, version: type[Any]) -> Any:
    request = build(version)
    request.encode = partial(Unjoined, request)
    return request


def _add(parts: list[bytes], kind: Any, value: Any) -> None:
    if isinstance(kind, Schema):
        for field, each in zip(kind.fields, value, strict=True):
            _add(parts, field, each)
    elif isinstance(kind, Array) and value is not None:
        parts.append(Int32.encode(len(value)))
        for each in value:
            _add(parts, kind.array_of, each)
    elif isinstance(value, BuiltBatch):
        parts += (Int32.encode(len(value)), *value.parts)
    elif kind is Bytes and value is not None:
        parts += (Int32.encode(len(value)), value)
    else:
        parts.append(kind.encode(value))
