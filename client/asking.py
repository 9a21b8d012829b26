"""Sends what is asked, and waits for its answer."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol, TypedDict

from client.answers import A, Answers
from client.errors import NoAnswerError, UnreachableError
from client.many import Headers, Many, SendsWaves, Unpublished
from client.one_loop import OneLoop
from client.questions import Asked, ticket_of, topic_of
from contracts import headers
from contracts.commands import AnyCommand


class SentWith(TypedDict, total=False):
    """The headers that a sender may add."""

    correlation_id: str | None
    """Echoed by the answer and by all that follows from it.

    By default the id of what is sent; of what waits for its answer, one for just this content. It
    tells the answers to two contents under one id apart: do not give both the same.
    """
    actor: str | None
    """Who asks, as the sender claims: stored and audited."""
    traceparent: str | None


class Sends(SendsWaves, Protocol):
    """What takes records; `client.sender.Sender` does."""

    async def send(self, topic: str, asked: Asked, headers: Headers) -> None:
        """Send *asked*; return once it is safe."""
        ...

    async def close(self) -> None:
        """Disconnect; bounded."""
        ...


class Asking:
    """The ways to ask: with an answer, without, and many at once."""

    def __init__(
        self,
        sender: Sends,
        answers: Answers,
        prefix: str,
        reply_topic: str | None,
        loop: OneLoop,
    ) -> None:
        self._loop = loop
        self._prefix = prefix
        self._reply_topic = reply_topic
        self._sender = sender
        self._answers = answers

    async def close(self) -> None:
        """Disconnect; bounded."""
        await self._answers.close()
        await self._sender.close()

    async def send(self, asked: Asked, reply_to: str | None, added: SentWith) -> None:
        """Send *asked*; return once Kafka has it safely."""
        self._loop.check()
        await self._sender.send(
            self._prefix + topic_of(asked).name, asked, _headers(reply_to, added)
        )

    async def publish_many(
        self, commands: Iterable[AnyCommand], reply_to: str | None, added: SentWith
    ) -> Sequence[Unpublished]:
        """Publish *commands*; return those that Kafka may not have."""
        self._loop.check()
        many = Many(self._sender, self._prefix, _headers(reply_to, added))
        await many.publish(commands)
        return many.unpublished

    async def ask(self, asked: Asked, model: type[A], timeout_s: float, added: SentWith) -> A:
        """Send *asked* and return its answer, a *model*."""
        self._loop.check()
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        try:
            async with asyncio.timeout_at(deadline_s):
                await self._answers.open()
        except TimeoutError as error:
            raise UnreachableError(
                f"the topic of answers cannot be read within {timeout_s:g} s; nothing was sent"
            ) from error
        # Under the same id, the answer to another amount may still be on its way.
        correlation_id = added.get("correlation_id") or ticket_of(asked)
        added = {**added, "correlation_id": correlation_id}
        with self._answers.waiting.expect(asked, model, correlation_id) as answer:
            try:
                async with asyncio.timeout_at(deadline_s):
                    await self.send(asked, self._reply_topic, added)
                    return await answer
            except TimeoutError as error:
                raise NoAnswerError(asked, f"no answer within {timeout_s:g} s") from error
            except UnreachableError as error:
                if answer.done():  # It was sent, and then the topic of answers went away.
                    raise NoAnswerError(asked, "answers cannot be read") from error
                raise


def _headers(reply_to: str | None, added: SentWith) -> Headers:
    given = {headers.REPLY_TO: reply_to, **added}
    return [
        (name, _checked(name, str(value))) for name, value in given.items() if value is not None
    ]


def _checked(name: str, value: str) -> bytes:
    if len(value) > headers.HEADER_LENGTH_MAX[name]:
        raise ValueError(
            f"{name} is longer than {headers.HEADER_LENGTH_MAX[name]} characters; "
            "the service would ignore it"
        )
    return value.encode()
