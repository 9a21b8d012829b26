"""What one batch of records has to say, and what is counted once it is said."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from contracts.codes import Code
from contracts.headers import KAFKA_CORRELATION_ID
from contracts.topics import TopicSpec
from handlers.wire.rendering import AnswerForm, Record, error_body
from workers.batches.dead_letters import dead_letter
from workers.batches.unreadable import Unreadable
from workers.clock import monotonic_s, utc_now
from workers.consuming.records import Raw
from workers.kafka.publishing import Outgoing, Publisher
from workers.kafka.replies import AddressedAnswer, Replies
from workers.kafka.topic_names import TopicNames
from workers.monitoring.metrics import Metrics


class ReplyAddress(Protocol):
    """What says where an answer is wanted, and what goes back with it."""

    @property
    def reply_to(self) -> str | None:
        """The topic, unless it is the results topic."""
        ...

    @property
    def kafka_correlation_id(self) -> bytes | None:
        """The header of this name, as it came."""
        ...


@dataclass(slots=True, kw_only=True)
class OutgoingBatch:
    """A batch's records, its answers among them."""

    form: ClassVar[AnswerForm]
    """How those are answered whose records say nothing that could be decided."""

    names: TopicNames
    group: str
    read_at_s: float
    """When the batch's records were taken, on the monotonic clock."""
    first: list[Outgoing] = field(default_factory=list[Outgoing])
    """Acknowledged before anything else is sent."""
    records: list[Outgoing] = field(default_factory=list[Outgoing])
    replies: list[AddressedAnswer] = field(default_factory=list[AddressedAnswer])
    answered: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    """Command or request, outcome and code → how many."""
    dead: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Topic and code → how many dead letters."""
    times_ms: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Command or request → broker times of the records answered."""

    def answer(self, key: bytes, record: Record, asks: ReplyAddress) -> None:
        """Say *record* to whoever asked, where they want it."""
        headers, reply_to = record.headers, asks.reply_to
        if asks.kafka_correlation_id is not None:
            headers = [*headers, (KAFKA_CORRELATION_ID, asks.kafka_correlation_id)]
        answer = Outgoing(self.names.results, key, record.value, headers)
        if reply_to is None or reply_to == self.names.results:
            self.records.append(answer)
        else:
            self.replies.append(AddressedAnswer(to=reply_to, answer=answer))

    def add_unreadable(self, problem: Unreadable, name: str) -> None:
        """Keep what is no command or request, and answer where it can be told whom."""
        self.add_dead_letter(problem.record, problem.topic, problem.code, problem.reason)
        self.answered[name, "unreadable", problem.code.value] += 1
        if problem.username is None or problem.id is None or problem.trace is None:
            return
        record = self.form.refusal(
            username=problem.username,
            identifier=problem.id,
            name=name,
            error=error_body(problem.code, problem.reason, problem.problems),
            at=utc_now(),
            trace=problem.trace,
        )
        self.answer(problem.username.encode(), record, problem)

    def add_dead_letter(self, record: Raw, topic: TopicSpec, code: Code, reason: str) -> None:
        """Keep *record* as a dead letter."""
        self.dead[record.topic, code.value] += 1
        self.records.append(
            dead_letter(record, topic, code, reason, group=self.group, to=self.names.dead_letters)
        )

    async def send(self, publisher: Publisher, replies: Replies) -> None:
        """Publish everything; return once it is acknowledged.

        Raises:
            PublishError: Not everything was.
        """
        await publisher.publish(self.first)
        _, undelivered = await asyncio.gather(
            publisher.publish(self.records), replies.deliver(self.replies)
        )
        await publisher.publish(undelivered)

    def count(self, metrics: Metrics) -> None:
        """Note in *metrics* that everything was said."""
        now_ms = utc_now().timestamp() * 1000
        took_s = monotonic_s() - self.read_at_s
        for command, times_ms in self.times_ms.items():
            ages_s = [(now_ms - time_ms) / 1000 for time_ms in times_ms]
            metrics.end_to_end_seconds.labels(command).observe_many(ages_s)
            durations_s = [took_s] * len(times_ms)
            metrics.command_duration_seconds.labels(command).observe_many(durations_s)
        for (command, outcome, code), count in self.answered.items():
            metrics.commands_total.labels(command=command, outcome=outcome, code=code).inc(count)
        for (topic, code), count in self.dead.items():
            metrics.dead_letters_total.labels(topic=topic, code=code).inc(count)
