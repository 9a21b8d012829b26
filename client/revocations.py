"""Knows which sessions ended before their tokens expired, so that a gateway can refuse by itself."""

import asyncio
import heapq
import logging
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, Self

from aiokafka.errors import ConsumerStoppedError, KafkaError

from client.clock import utc_now
from client.errors import AccountsClientError, UnreadableRecordError
from client.kafka import Record
from client.one_loop import OneLoop
from client.reader import Reader, Start
from client.received import received
from contracts import topics
from contracts.sessions import SessionRevoked
from contracts.topics import TopicSpec

REOPEN_S = 1.0
"""Pause before a broken reader is opened again: soon, and no burden to a Kafka that starts."""

ASK_ENDS_S = 5.0
"""How often Kafka is asked whether there is more: else its absence would go unnoticed."""

CURRENT_MAX_S = 15.0
"""How old the last look at the ends that all was read up to may be: three looks, of which one takes
as long as a broker is given. A reader that hangs is noticed after it, whatever it hangs on."""

CAUGHT_UP_TIMEOUT_S = 10.0
"""Reading all that is kept takes well under a second; after this something is down."""

_LOG = logging.getLogger(__name__)


class RevocationsUnknownError(AccountsClientError):
    """What is kept of the topic of revocations was not read in time."""


class OpensReaders(Protocol):
    """The part of `AccountsClient` that is needed here."""

    def reader(self, topic: TopicSpec, start: Start) -> AbstractAsyncContextManager[Reader]:
        """Open a reader of *topic*."""
        ...


class Revocations:
    """The ended sessions whose tokens may not have expired, always up to date.

    Example:
        async with Revocations(accounts) as revocations:
            await revocations.wait_until_caught_up()  # before the first token is let in
            ...
            if revocations.is_revoked(claims.session_id): ...
    """

    def __init__(self, accounts: OpensReaders, *, now: Callable[[], datetime] = utc_now) -> None:
        self._accounts = accounts
        self._now = now
        self._ended: dict[str, datetime] = {}
        self._by_expiry: list[tuple[datetime, str]] = []
        self._caught_up = asyncio.Event()
        self._read_up_to_s = -math.inf
        """The last moment of which all was read, on the loop's clock."""
        self._trouble: Exception | None = None
        self._following: asyncio.Task[None] | None = None
        self._loop = OneLoop("Revocations")

    async def __aenter__(self) -> Self:
        """Start to follow, in the background."""
        self._loop.check()
        self._following = asyncio.create_task(self._follow())
        self._following.add_done_callback(self._tell_of_its_end)
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Stop to follow."""
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    def __len__(self) -> int:
        """How many are kept; an expired one goes soon."""
        return len(self._ended)

    @property
    def is_current(self) -> bool:
        """Whether all that was there seconds ago has been read, and what comes can be."""
        following = self._following
        if following is None or following.done() or self._trouble is not None:
            return False
        return following.get_loop().time() - self._read_up_to_s <= CURRENT_MAX_S

    def is_revoked(self, session_id: str) -> bool:
        """Whether the session has ended, as far as has been read; see `wait_until_caught_up`."""
        return session_id in self._ended

    async def wait_until_caught_up(self, timeout_s: float = CAUGHT_UP_TIMEOUT_S) -> None:
        """Return when all that is kept on the topic has been read.

        Raises:
            RevocationsUnknownError: That took too long; says what is in the way.
        """
        self._loop.check()
        try:
            async with asyncio.timeout(timeout_s):
                await self._caught_up.wait()
        except TimeoutError:
            reason = self._trouble or "reading takes longer"
            raise RevocationsUnknownError(
                f"the revocations were not read within {timeout_s:g} s: {reason}"
            ) from self._trouble

    def receive(self, record: Record) -> None:
        """Note one record of the topic."""
        if record.value is None:
            return  # A tombstone: its tokens have expired.
        try:
            revoked = received(record, SessionRevoked).message
        except UnreadableRecordError as error:
            # One bad record must not keep all later ones from being heard.
            _LOG.warning("skipped: %s", error)
            return
        if revoked.session_id not in self._ended and revoked.expires_at > self._now():
            self._ended[revoked.session_id] = revoked.expires_at
            heapq.heappush(self._by_expiry, (revoked.expires_at, revoked.session_id))

    def forget_expired(self) -> None:
        """Drop the sessions of which no token is valid any more."""
        now = self._now()
        while self._by_expiry and self._by_expiry[0][0] <= now:
            _, session_id = heapq.heappop(self._by_expiry)
            del self._ended[session_id]

    async def _follow(self) -> None:
        # From the beginning each time: what was noted stays, and nothing can be missed.
        while True:
            try:
                async with self._accounts.reader(topics.REVOCATIONS, "beginning") as reader:
                    await self._read(reader)
            except (AccountsClientError, KafkaError) as error:
                self._trouble = error
                _LOG.warning("revocations cannot be read, trying again: %s", error)
            await asyncio.sleep(REOPEN_S)

    async def _read(self, reader: Reader) -> None:
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        while True:
            try:
                records = await reader.poll()
            except ConsumerStoppedError as error:
                raise RevocationsUnknownError("the client was closed") from error
            for record in records:
                self.receive(record)
            self.forget_expired()
            if loop.time() - asked_s >= ASK_ENDS_S:
                # Before it is asked: what comes while the answer is on its way is not counted.
                asked_s = loop.time()
                await reader.fetch_end_offsets()
            if await reader.caught_up():
                self._trouble = None
                self._read_up_to_s = asked_s
                self._caught_up.set()

    def _tell_of_its_end(self, following: asyncio.Task[None]) -> None:
        """Log what ended it: nothing else would, until the program ends."""
        if self._following is None:
            return  # We ended it.
        error = None if following.cancelled() else following.exception()
        _LOG.error("revocations are no longer followed", exc_info=error)
