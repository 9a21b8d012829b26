"""Requests to publish, written at once.

aiokafka writes a request from the inside out and copies what it has at each of its levels, so every
record six times. A cycle has megabytes of them, for which each copy is new memory.
"""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from functools import partial
from typing import Any

from aiokafka.protocol.types import Array, Bytes, Int32, Schema

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


def written(request: Any) -> bytes:
    """Return the bytes of *request*, a struct of one version of the protocol, as its own `encode`."""
    parts: list[bytes] = []
    _add(parts, request.SCHEMA, [getattr(request, name) for name in request.SCHEMA.names])
    return b"".join(parts)


def _built(build: Any, version: type[Any]) -> Any:
    request = build(version)
    request.encode = partial(written, request)
    return request


def _add(parts: list[bytes], kind: Any, value: Any) -> None:
    if isinstance(kind, Schema):
        for field, each in zip(kind.fields, value, strict=True):
            _add(parts, field, each)
    elif isinstance(kind, Array) and value is not None:
        parts.append(Int32.encode(len(value)))
        for each in value:
            _add(parts, kind.array_of, each)
    elif kind is Bytes and value is not None:
        parts += (Int32.encode(len(value)), value)
    else:
        parts.append(kind.encode(value))
