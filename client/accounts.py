"""Talk to accounts: send commands, ask, wait for answers, follow what happens."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Self, Unpack

from client.answers import Answers
from client.asking import Asking, Sends, SentWith
from client.following import Following, Snapshot
from client.kafka import Kafka, Security
from client.key_set import SealingKeys
from client.many import Unpublished
from client.one_loop import OneLoop
from client.reader import OpenReader, Reader, Start, open_reader
from client.received import Received
from client.sender import Sender
from client.sign_in_calls import SignInCalls
from client.timeouts import ANSWER_TIMEOUT_S
from contracts import topics
from contracts.commands import AnyCommand
from contracts.entries import Entry
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result
from contracts.sessions import SessionRevoked
from contracts.topics import TopicSpec


class AccountsClient(SignInCalls):
    """One connection to the service; safe to share between the tasks of one event loop.

    A task that is cancelled, or out of time, ends no other's call. In another event loop, such as
    that of another thread, every method raises RuntimeError until the client is closed.

    Example:
        async with AccountsClient("localhost:9092") as accounts:
            result = await accounts.deposit("alice", "10.50", "USD")
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        topic_prefix: str = "accounts.",
        security: Security | None = None,
        reply_topic: str | None = None,
        sealing_keys: str | Mapping[str, Any] | None = None,
    ) -> None:
        """Without *reply_topic*, answers are looked for among everybody's, on the results topic.

        A service that asks much should own one, named `<prefix>replies.<anything>`. *sealing_keys*
        is for `register`, `login` and what belongs to a session: the URL of the sidecar's
        `/.well-known/sealing-keys.json`, or what stands there.
        """
        kafka = Kafka(bootstrap, security or {})
        self._over(Sender(kafka), partial(open_reader, kafka), topic_prefix, reply_topic)
        self._sealing_keys = SealingKeys(sealing_keys)

    def _over(
        self, sender: Sends, open_reader: OpenReader, prefix: str, reply_topic: str | None
    ) -> None:
        self._loop = OneLoop("AccountsClient")
        answers = Answers(open_reader, reply_topic or prefix + topics.RESULTS.name)
        self._asking = Asking(sender, answers, prefix, reply_topic, self._loop)
        self._following = Following(open_reader, prefix, self._loop)

    @property
    def sealing_keys(self) -> SealingKeys:
        """What the calls seal to."""
        return self._sealing_keys

    async def __aenter__(self) -> Self:
        """Return the client; it connects when it is first used, with the rights that needs."""
        self._loop.check()
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Disconnect. Iterators that are still followed end by themselves."""
        self._loop.check()
        await asyncio.gather(self._asking.close(), self._following.close())
        self._loop.leave()

    async def send(
        self, command: AnyCommand, *, reply_to: str | None = None, **added: Unpack[SentWith]
    ) -> None:
        """Send *command*; return once Kafka has it safely (`acks=all`).

        Commands of one user take effect in the order in which their acknowledgements came.
        Send the same command again, with the same `command_id`, as often as you like: it has
        its effect once. A call that is cancelled may still be sent, for 10 seconds.

        Raises:
            NotSentError: Kafka does not take it.
            UnreachableError: Kafka does not answer; nothing was sent.
            NotAcknowledgedError: Nobody can say whether Kafka has it.
        """
        await self._asking.send(command, reply_to, added)

    async def publish_many(
        self,
        commands: Iterable[AnyCommand],
        *,
        reply_to: str | None = None,
        **added: Unpack[SentWith],
    ) -> Sequence[Unpublished]:
        """Publish *commands*; return those that Kafka may not have, each with the reason.

        All others are published, in the order that they were given in for each user, and will be
        decided; nobody has waited for that. What is decided shows in the results, see
        `follow_results` and `GetOutcome`. Publishing the same again, with the same ids, is harmless:
        after an error, or a crash half way, publish all of it anew. Behind one that is not published
        nothing of its user is.

        *commands* may be a generator: some thousands are taken at a time.
        """
        return await self._asking.publish_many(commands, reply_to, added)

    async def ask(
        self,
        command: AnyCommand,
        timeout_s: float = ANSWER_TIMEOUT_S,
        **added: Unpack[SentWith],
    ) -> Result:
        """Send *command* and return the answer, accepted or rejected.

        Of a later release it may be neither: see `Result.is_undecided`, and treat it as no answer.

        Raises:
            NoAnswerError: None came in time: the outcome is unknown. Ask the same again.
            NotAcknowledgedError: Nobody can say whether Kafka has it. Ask the same again.
            UnreachableError: Kafka does not answer; nothing was sent.
            TopicMissingError: The topic of answers does not exist; nothing was sent.
            NotSentError: Kafka does not take it.
            ValueError: Another content is being asked under the same id and correlation id.
        """
        return await self._asking.ask(command, Result, timeout_s, added)

    async def request(
        self,
        request: AnyRequest,
        timeout_s: float = ANSWER_TIMEOUT_S,
        **added: Unpack[SentWith],
    ) -> Reply:
        """Send *request* and return the reply, accepted or rejected.

        Of a later release it may be neither: see `Reply.is_undecided`, and treat it as no answer.

        Signing in and out is easier with `client.sessions`, which seals and opens what is secret.

        Raises:
            NoAnswerError: None came in time. A query changes nothing: ask again. The same sign-in
                or refresh, asked again within seconds, gets the same reply.
            NotAcknowledgedError: Nobody can say whether Kafka has it. Ask the same again.
            UnreachableError: Kafka does not answer; nothing was sent.
            TopicMissingError: The topic of answers does not exist; nothing was sent.
            NotSentError: Kafka does not take it.
        """
        return await self._asking.ask(request, Reply, timeout_s, added)

    def follow_results(self, start: Start = "end") -> AsyncIterator[Received[Result]]:
        """Yield the answers to all commands that named no `reply_to`, as they come, for ever.

        The answer to a repeated command is an answer of its own: its `duplicate` is true.

        Raises:
            TopicReplacedError: The topic was deleted and made again.
            UnreadableRecordError: Something on the topic is no result.
        """
        return self._following.results(start)

    def follow_balance_events(
        self, start: Start | Snapshot = "end"
    ) -> AsyncIterator[Received[Entry]]:
        """Yield each change of each balance once, in order per account, for ever.

        After a snapshot, or offsets of your own, nothing is missed, also where partitions are added
        meanwhile. Repeats are dropped.

        Raises:
            SequenceGapError: Events are missing; take a new snapshot and follow from there.
            TopicReplacedError: The topic was deleted and made again; the same helps.
            UnreadableRecordError: Something on the topic is no balance event.
        """
        return self._following.balance_events(start)

    def follow_revocations(
        self, start: Start = "beginning"
    ) -> AsyncIterator[Received[SessionRevoked]]:
        """Yield the sessions that ended before their tokens expired, for ever; may repeat.

        Who verifies tokens should rather keep `client.Revocations`.

        Raises:
            TopicReplacedError: The topic was deleted and made again.
            UnreadableRecordError: Something on the topic is no revocation.
        """
        return self._following.messages(topics.REVOCATIONS, SessionRevoked, start)

    async def snapshot(self) -> Snapshot:
        """Return the balances of all accounts, to follow the events from.

        What is no state of balances is left out, and named in `Snapshot.unreadable`.
        """
        return await self._following.snapshot()

    def reader(self, topic: TopicSpec, start: Start) -> AbstractAsyncContextManager[Reader]:
        """Open a reader of the raw records of *topic*.

        Raises:
            UnreachableError: Kafka does not answer.
            TopicMissingError: The topic is not there.
        """
        return self._following.reader(topic, start)
