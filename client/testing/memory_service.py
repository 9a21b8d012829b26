"""All workers in memory: each record is decided, answered and published as soon as it is there."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from client.testing.memory_identity import IdentityInMemory
from client.testing.memory_ledger import CommandsInMemory
from client.testing.memory_topics import MemoryTopics
from contracts.commands import COMMANDS
from contracts.requests import IDENTITY_REQUESTS, QUERIES, request_name
from contracts.topics import CREDENTIALS
from storage.memory.ledger import MemoryLedger
from storage.memory.reads import MemoryReads
from workers.batches.outgoing_batch import OutgoingBatch
from workers.batches.parsing import RequestParser
from workers.batches.unreadable import Unreadable, parsed
from workers.clock import monotonic_s
from workers.config.ledger import LedgerOptions
from workers.config.limits import build_rules
from workers.consuming.records import Raw
from workers.kafka.topic_names import TopicNames
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.requests.answering import Answerer
from workers.requests.asking import Failed, ask
from workers.requests.queries import QueryAnswerer
from workers.requests.reply_batch import ReplyBatch

CURRENCIES_MAX = 50
"""In one account: what the service is configured to by default."""

GROUP = "accounts-fake"
"""Who dead letters say that they come from."""


class MemoryService:
    """Takes what is appended to the topics of commands and requests."""

    def __init__(
        self,
        topics: MemoryTopics,
        prefix: str,
        assets: Mapping[str, int],
        clock: Callable[[], datetime],
    ) -> None:
        rules = build_rules(
            assets, {}, currencies_max=CURRENCIES_MAX, clock_skew_ms=LedgerOptions.clock_skew_ms
        )
        ledger, metrics = MemoryLedger(), Metrics()
        self.identity = IdentityInMemory(ledger, topics, prefix, metrics, clock)
        self._topics = topics
        self._names = TopicNames.under(prefix)
        self._credentials = prefix + CREDENTIALS.name
        self._corrupt = CorruptDocuments(metrics)
        commands = CommandsInMemory(ledger, self.identity, rules, prefix, metrics, clock)
        queries = QueryAnswerer(MemoryReads(ledger), self.identity.credentials, clock)
        self._inputs = {
            **{prefix + topic.name: commands.take for topic in COMMANDS},
            **{
                prefix + topic.name: partial(
                    self._answered, RequestParser(QUERIES, prefix), lambda: queries
                )
                for topic in QUERIES
            },
            **{
                prefix + topic.name: partial(
                    self._answered,
                    RequestParser(IDENTITY_REQUESTS, prefix),
                    lambda: self.identity.answerer,
                )
                for topic in IDENTITY_REQUESTS
            },
        }

    async def take(self, record: Raw) -> None:
        """Do all that follows from *record*."""
        batch = await self._inputs[record.topic](record)
        for each in (*batch.first, *batch.records):
            said = self._topics.append(each.topic, each.key, each.value, [*each.headers])
            if each.topic == self._credentials:
                await self.identity.hash(said)
        for reply in batch.replies:
            answer = reply.answer
            self._topics.append(reply.to, answer.key, answer.value, [*answer.headers])

    async def _answered(
        self, parser: RequestParser, answerer: Callable[[], Answerer], record: Raw
    ) -> OutgoingBatch:
        """Answer the request in *record*; return what is published of it."""
        batch = ReplyBatch(names=self._names, group=GROUP, read_at_s=monotonic_s())
        read = parsed(parser, record)
        if isinstance(read, Unreadable):
            batch.add_unreadable(read, request_name(read.topic))
            return batch
        for said in await ask(answerer(), [read], self._corrupt):
            if isinstance(said, Failed):
                batch.add_failed(said, parser.topic(record))
            else:
                batch.add_said(said)
        return batch
