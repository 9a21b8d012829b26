"""Talk to accounts: send commands, wait for answers, follow what happens to balances."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiokafka import TopicPartition

from client.answers import Answers
from client.errors import NoAnswerError, UnreachableError
from client.kafka import Kafka, Security
from client.reader import Reader, Start, open_reader
from client.received import Received, received
from client.sender import Sender
from client.sequences import Sequences
from contracts import headers, topics
from contracts.commands import COMMANDS, AnyCommand
from contracts.events import BalanceChanged, Balances
from contracts.results import Result

ANSWER_TIMEOUT_S = 10.0
"""Answers take milliseconds, a registration under a second; after this something is down."""

_TOPIC_OF = {command: topic for topic, command in COMMANDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The balances of every account, and where to follow the events from."""

    balances: Mapping[str, Balances]
    """By username."""
    positions: Mapping[TopicPartition, int]


class AccountsClient:
    """One connection to the service; safe to share between tasks.

    Example:
        async with AccountsClient("localhost:9092") as accounts:
            deposit = Deposit(
                command_id=fresh_command_id(), username="alice", amount="10.50", currency="USD"
            )
            result = await accounts.ask(deposit)
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        topic_prefix: str = "accounts.",
        security: Security | None = None,
        reply_topic: str | None = None,
    ) -> None:
        """Without *reply_topic*, answers are looked for among everybody's, on the results topic.

        A service that asks much should own one, named `<prefix>replies.<anything>`.
        """
        self._kafka = Kafka(bootstrap, security or {})
        self._prefix = topic_prefix
        self._reply_topic = reply_topic
        self._sender = Sender(self._kafka)
        self._readers: set[Reader] = set()
        self._answers = Answers(self._kafka, reply_topic or self._topic(topics.RESULTS))

    async def __aenter__(self) -> Self:
        """Return the client; it connects when it is first used, with the rights that needs."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect. Iterators that are still followed end by themselves."""
        await self._answers.close()
        await asyncio.gather(*(reader.close() for reader in self._readers))
        await self._sender.close()

    async def send(
        self,
        command: AnyCommand,
        *,
        reply_to: str | None = None,
        correlation_id: str | None = None,
        actor: str | None = None,
        traceparent: str | None = None,
    ) -> None:
        """Send *command*; return once Kafka has it safely (`acks=all`).

        Commands of one user take effect in the order in which their acknowledgements came.
        Send the same command again, with the same `command_id`, as often as you like: it has
        its effect once.

        Raises:
            NotSentError: Kafka does not take it.
            UnreachableError: Kafka does not answer; nothing was sent.
            NotAcknowledgedError: Nobody can say whether Kafka has it.
        """
        given = {
            headers.REPLY_TO: reply_to,
            headers.CORRELATION_ID: correlation_id,
            headers.ACTOR: actor,
            headers.TRACEPARENT: traceparent,
        }
        for name, value in given.items():
            if value is not None and len(value) > headers.HEADER_LENGTH_MAX[name]:
                raise ValueError(
                    f"{name} is longer than {headers.HEADER_LENGTH_MAX[name]} characters; "
                    "the service would ignore it"
                )
        sent = [(name, value.encode()) for name, value in given.items() if value is not None]
        await self._sender.send(self._topic(_TOPIC_OF[type(command)]), command, sent)

    async def ask(
        self,
        command: AnyCommand,
        timeout_s: float = ANSWER_TIMEOUT_S,
        *,
        correlation_id: str | None = None,
        actor: str | None = None,
        traceparent: str | None = None,
    ) -> Result:
        """Send *command* and return the answer, accepted or rejected.

        Raises:
            NoAnswerError: None came in time: the outcome is unknown. Ask the same again.
            NotAcknowledgedError: Nobody can say whether Kafka has it. Ask the same again.
            UnreachableError: Kafka does not answer; nothing was sent.
            TopicMissingError: The topic of answers does not exist; nothing was sent.
            NotSentError: Kafka does not take it.
        """
        await self._answers.open()
        with self._answers.waiting.expect(command) as answer:
            try:
                async with asyncio.timeout(timeout_s):
                    await self.send(
                        command,
                        reply_to=self._reply_topic,
                        correlation_id=correlation_id,
                        actor=actor,
                        traceparent=traceparent,
                    )
                    return await answer
            except TimeoutError as error:
                raise NoAnswerError(command, f"no answer within {timeout_s:g} s") from error
            except UnreachableError as error:
                if answer.done():  # It was sent, and then the topic of answers went away.
                    raise NoAnswerError(command, "answers cannot be read") from error
                raise

    async def follow_results(self, start: Start = "end") -> AsyncIterator[Received[Result]]:
        """Yield the answers to all commands that named no `reply_to`, as they come, for ever.

        The answer to a repeated command is an answer of its own: its `duplicate` is true.

        Raises:
            UnreadableRecordError: Something on the topic is no result.
        """
        async with self._reader(topics.RESULTS, start) as reader:
            async for record in reader.records():
                yield received(record, Result)

    async def follow_balance_events(
        self, start: Start | Snapshot = "end"
    ) -> AsyncIterator[Received[BalanceChanged]]:
        """Yield each change of each balance once, in order per account, for ever.

        After a snapshot, or offsets of your own, nothing is missed. Repeats are dropped.

        Raises:
            SequenceGapError: Events are missing; take a new snapshot and follow from there.
            UnreadableRecordError: Something on the topic is no balance event.
        """
        sequences = Sequences()
        if isinstance(start, Snapshot):
            seen = {username: state.sequence for username, state in start.balances.items()}
            sequences = Sequences(seen, complete=True)
            start = start.positions
        async with self._reader(topics.BALANCE_EVENTS, start) as reader:
            async for record in reader.records():
                event = received(record, BalanceChanged)
                if sequences.is_new(event.message.username, event.message.sequence):
                    yield event

    async def snapshot(self) -> Snapshot:
        """Return the balances of all accounts, to follow the events from.

        Raises:
            UnreadableRecordError: Something on the topic is no state of balances.
        """
        # First where the events end, then the states: a state is published before its events.
        async with self._reader(topics.BALANCE_EVENTS, "end") as reader:
            positions = dict(reader.ends)
        balances: dict[str, Balances] = {}
        async with self._reader(topics.BALANCES, "beginning") as reader:
            while not await reader.caught_up():
                for record in await reader.poll():
                    state = received(record, Balances).message
                    known = balances.get(state.username)
                    if known is None or known.sequence <= state.sequence:
                        balances[state.username] = state
        return Snapshot(balances=balances, positions=positions)

    @asynccontextmanager
    async def _reader(self, topic: topics.TopicSpec, start: Start) -> AsyncGenerator[Reader]:
        async with open_reader(self._kafka, [self._topic(topic)], start) as reader:
            # Who breaks out of an iterator leaves it open; at the latest it goes with the client.
            self._readers.add(reader)
            try:
                yield reader
            finally:
                self._readers.discard(reader)

    def _topic(self, topic: topics.TopicSpec) -> str:
        return self._prefix + topic.name
