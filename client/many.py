"""Publishes many commands at once, each user's in the order in which they were given."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol, TypeAlias

from client.errors import AccountsClientError, NotSentError
from client.questions import topic_of
from contracts.commands import AnyCommand

AT_ONCE_MAX = 20_000
"""Commands on their way together: about 4 MB, two thirds of a second at the rate that Kafka takes."""

Headers: TypeAlias = Sequence[tuple[str, bytes]]


class Unpublished(NamedTuple):
    """A command that Kafka may not have, and why."""

    command: AnyCommand
    error: AccountsClientError
    """`NotAcknowledgedError` where nobody can say; otherwise it was not sent."""


class SendsWaves(Protocol):
    """The part of `client.sender.Sender` that is needed here."""

    async def send_wave(
        self, topics: Sequence[str], commands: Sequence[AnyCommand], headers: Headers
    ) -> Sequence[AccountsClientError | None]:
        """Send each of *commands* to its topic; return what became of each."""
        ...


class Many:
    """One call to publish many."""

    def __init__(self, sender: SendsWaves, prefix: str, headers: Headers) -> None:
        self._sender = sender
        self._prefix = prefix
        self._headers = headers
        self._stopped: set[str] = set()
        """Users of whom a command may be missing: a later one must not go before it."""
        self.unpublished: list[Unpublished] = []

    async def publish(self, commands: Iterable[AnyCommand]) -> None:
        """Publish *commands*; those that Kafka may not have are in `unpublished`, in no order."""
        coming = iter(commands)
        while some := list(islice(coming, AT_ONCE_MAX)):
            for wave in waves(some):
                await self._publish(wave)

    async def _publish(self, wave: Sequence[AnyCommand]) -> None:
        if self._stopped:
            wave = list(self._of_others(wave))
        topics = [self._prefix + topic_of(command).name for command in wave]
        errors = await self._sender.send_wave(topics, wave, self._headers)
        for command, error in zip(wave, errors, strict=True):
            if error is not None:
                self.unpublished.append(Unpublished(command, error))
                self._stopped.add(command.username)

    def _of_others(self, wave: Sequence[AnyCommand]) -> Iterator[AnyCommand]:
        """Yield those whose users miss nothing; the others are unpublished."""
        for command in wave:
            if command.username not in self._stopped:
                yield command
                continue
            error = NotSentError("a command of this user before it was not published")
            self.unpublished.append(Unpublished(command, error))


def waves(commands: Iterable[AnyCommand]) -> Sequence[Sequence[AnyCommand]]:
    """Return *commands* in parts that may be on their way together, one part after the other.

    Kafka keeps the order of one user on one topic. What follows on another topic takes effect
    behind it only if it is sent once that was acknowledged.
    """
    parts: list[list[AnyCommand]] = []
    last: dict[str, tuple[int, type[AnyCommand]]] = {}
    for command in commands:
        kind = type(command)
        number, before = last.get(command.username, (0, kind))
        if before is not kind:
            number += 1
        last[command.username] = number, kind
        if number == len(parts):
            parts.append([])
        parts[number].append(command)
    return parts
