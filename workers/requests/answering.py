"""What a worker says to requests, and what the reader asks it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from handlers.model.input_records import RequestRecord
from handlers.wire.rendering import Record
from workers.kafka.publishing import Outgoing


class AnsweredRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answered request: its reply, and what is published beside it."""

    asked: RequestRecord
    reply: Record
    """Made by `handlers.wire.replying.reply`."""
    status: str
    """`accepted` or `rejected`; for the metrics."""
    code: str = ""
    """Why it was rejected; for the metrics."""
    beside: Sequence[Outgoing] = ()
    """Audit events and revocations: acknowledged before the reply goes out."""


class Answerer(Protocol):
    """Answers batches of requests that were read from one group."""

    @property
    def batch_records_max(self) -> int:
        """How many requests it takes at once."""
        ...

    async def answer(self, asked: Sequence[RequestRecord]) -> Sequence[AnsweredRequest]:
        """Answer each, in order.

        Any other exception is our bug: the reader then asks one by one, and the request that
        raises again gets `internal_error` and a dead letter.

        Raises:
            StoreUnavailableError: The reader backs off, stays in the group and asks again.
        """
        ...
