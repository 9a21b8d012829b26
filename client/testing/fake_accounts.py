"""`AccountsClient` over the service in memory: the same calls, the same rules, no servers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Unpack

from client.accounts import AccountsClient
from client.answers import A
from client.asking import SentWith
from client.blocking import SyncAccountsClient
from client.clock import utc_now
from client.errors import AccountsClientError, NoAnswerError, UnreachableError
from client.key_set import SealingKeys
from client.many import Headers
from client.questions import Asked, content_of
from client.testing.memory_service import MemoryService
from client.testing.memory_topics import MemoryTopics
from client.timeouts import ANSWER_TIMEOUT_S
from contracts.commands import AnyCommand
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result


class FakeAccounts(AccountsClient):
    """A service of its own, empty at first, and a client of it.

    Each command is decoded, decided and answered by the code of the real service, before the call
    that sends it returns. What is sent one after the other is decided in that order.

    Example:
        async with FakeAccounts() as accounts:
            await accounts.open("alice")
            await accounts.deposit("alice", "10.50", "USD")
    """

    def __init__(
        self,
        *,
        topic_prefix: str = "accounts.",
        assets: Mapping[str, int] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Keep every currency of ISO 4217, and *assets*: name → decimals, such as `{"ETH": 18}`.

        *clock* says what time it is, in UTC: what expires does so by it.
        """
        self._clock = clock
        self._lost = 0
        topics = MemoryTopics(clock)
        self._service = MemoryService(topics, topic_prefix, assets or {}, clock)
        self._sender = _MemorySender(topics, self._service)
        self._over(self._sender, topics.open_reader, topic_prefix, None)

    @property
    def unreachable(self) -> bool:
        """Whether Kafka does not answer: then every call raises `UnreachableError`."""
        return self._sender.unreachable

    @unreachable.setter
    def unreachable(self, value: bool) -> None:
        self._sender.unreachable = value

    def lose_answers(self, count: int = 1) -> None:
        """Lose the next *count* answers: what was asked is done, and whoever asked is not told.

        Nobody waits for the time to run out. A call asks once more by itself: where that one is
        lost, too, it raises `OutcomeUnknownError`.
        """
        self._lost = count

    @property
    def jwks(self) -> Mapping[str, Any]:
        """The keys to verify access tokens with, issuer and audience `accounts`."""
        return self._service.identity.ring.jwks()

    @property
    def sealing_keys(self) -> SealingKeys:
        """What the calls seal to."""
        return self._sealing_keys_here

    @cached_property
    def _sealing_keys_here(self) -> SealingKeys:
        return SealingKeys(self._service.identity.ring.sealing_jwks())

    def now(self) -> datetime:
        """Return what the clock says."""
        return self._clock()

    async def ask(
        self,
        command: AnyCommand,
        timeout_s: float = ANSWER_TIMEOUT_S,
        **added: Unpack[SentWith],
    ) -> Result:
        """Send *command* and return the answer, unless it is to be lost."""
        return self._unless_lost(command, await super().ask(command, timeout_s, **added))

    async def request(
        self,
        request: AnyRequest,
        timeout_s: float = ANSWER_TIMEOUT_S,
        **added: Unpack[SentWith],
    ) -> Reply:
        """Send *request* and return the reply, unless it is to be lost."""
        return self._unless_lost(request, await super().request(request, timeout_s, **added))

    def _unless_lost(self, asked: Asked, answer: A) -> A:
        if self._lost:
            self._lost -= 1
            raise NoAnswerError(asked, "the answer was lost")
        return answer


class SyncFakeAccounts(SyncAccountsClient):
    """`FakeAccounts` without an event loop."""

    def __init__(self, fake: FakeAccounts | None = None) -> None:
        """*fake* is used here alone, by default a fresh one."""
        self.fake = FakeAccounts() if fake is None else fake
        self._over(self.fake)


class _MemorySender:
    """Has each record dealt with before it is acknowledged."""

    def __init__(self, topics: MemoryTopics, service: MemoryService) -> None:
        self._topics = topics
        self._service = service
        self.unreachable = False

    async def send(self, topic: str, asked: Asked, headers: Headers) -> None:
        """Append *asked*, and have it decided."""
        if self.unreachable:
            raise _away()
        record = self._topics.append(topic, asked.username.encode(), content_of(asked), headers)
        # As with Kafka: whoever gives up does not take it back.
        await asyncio.shield(asyncio.ensure_future(self._service.take(record)))

    async def send_wave(
        self, topics: Sequence[str], commands: Sequence[AnyCommand], headers: Headers
    ) -> Sequence[AccountsClientError | None]:
        """Append all, one after the other."""
        if self.unreachable:
            return [_away()] * len(commands)
        for topic, command in zip(topics, commands, strict=True):
            await self.send(topic, command, headers)
        return [None] * len(commands)

    async def close(self) -> None:
        """Keep everything: the fake may be opened again."""


def _away() -> UnreachableError:
    return UnreachableError("this fake is told to be unreachable; nothing was sent")
