"""What one applied cycle has to say, in the order in which it is said."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from contracts import topics
from contracts.codes import Code
from contracts.headers import CE_TYPE, CeType
from contracts.registration import Register
from contracts.topics import TopicSpec
from handlers.account import Account
from handlers.batch import Answer
from handlers.rendering import Record, Rendering, balances, encoded, error_body, refusal
from workers.clock import utc_now
from workers.consuming.records import Raw
from workers.consuming.unreadable import Unreadable
from workers.dead_letters import dead_letter
from workers.ledger.lane import Lane
from workers.publishing import Outgoing
from workers.replies import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicNames:
    """Full names of what the ledger writes to."""

    results: str
    balance_events: str
    audit_events: str
    balances: str
    credentials: str
    dead_letters: str

    @classmethod
    def under(cls, prefix: str) -> "TopicNames":
        """Return the names under *prefix*."""
        return cls(
            results=prefix + topics.RESULTS.name,
            balance_events=prefix + topics.BALANCE_EVENTS.name,
            audit_events=prefix + topics.AUDIT_EVENTS.name,
            balances=prefix + topics.BALANCES.name,
            credentials=prefix + topics.CREDENTIALS.name,
            dead_letters=prefix + topics.DEAD_LETTERS.name,
        )


@dataclass(slots=True, kw_only=True)
class Publication:
    """A cycle's records. States are acknowledged before anything else is sent."""

    names: TopicNames
    group: str
    read_at_s: float
    """When the cycle's records were taken, on the monotonic clock."""
    states: list[Outgoing] = field(default_factory=list[Outgoing])
    records: list[Outgoing] = field(default_factory=list[Outgoing])
    replies: list[Reply] = field(default_factory=list[Reply])
    lowest: dict[str, int] = field(default_factory=dict[str, int])
    """Username → lowest sequence published here."""
    usernames: set[str] = field(default_factory=set[str])
    """Whose state is published here."""
    answered: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    """Command, outcome and code → how many."""
    dead: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Topic and code → how many dead letters."""
    times_ms: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Command → broker times of the records answered."""

    def add_lane(self, lane: Lane) -> None:
        """Say what *lane* did: states, owed events, answers, own events."""
        accounts: dict[str, Account] = {}
        for applied in lane.applied:
            for account in applied.decision.changes.accounts:
                accounts[account.username] = account
            for outcome in applied.owed:
                accounts.setdefault(outcome.username, applied.accounts[outcome.username])
                self._event(Rendering(outcome))
            for name in lane.again:
                if name in applied.accounts:
                    accounts.setdefault(name, applied.accounts[name])
            self._answers(applied.decision.answers)
        for account in accounts.values():
            record = balances(account)
            self.states.append(Outgoing.of(self.names.balances, account.username.encode(), record))
        self.usernames.update(accounts)
        self.lowest.update(lane.lowest)

    def add_unreadable(self, unreadable: Iterable[Unreadable]) -> None:
        """Keep what could not be understood, and answer where it can be told whom."""
        for problem in unreadable:
            self._dead_letter(problem.record, problem.topic, problem.code, problem.reason)
            name = problem.topic.name.removeprefix("commands.")
            self.answered[name, "unreadable", problem.code.value] += 1
            if problem.username is None or problem.id is None or problem.trace is None:
                continue
            record = refusal(
                username=problem.username,
                command_id=problem.id,
                name=name,
                error=error_body(problem.code, problem.reason, problem.problems),
                at=utc_now(),
                trace=problem.trace,
            )
            self._answer(problem.username.encode(), record, problem.reply_to)

    def _answers(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            received = answer.received
            self.times_ms.setdefault(received.type, []).append(received.timestamp_ms)
            outcome = answer.outcome
            if outcome is None:
                self._undecided(answer)
                continue
            status = "accepted" if outcome.code is None else "rejected"
            self.answered[received.type, status, outcome.code or ""] += 1
            rendering = Rendering(outcome)
            duplicate = answer.duplicate
            if _waits_for_credential(answer):
                self.records.append(self._credential(answer, rendering))
            else:
                trace = received.trace if duplicate else None
                record = rendering.result(duplicate=duplicate, trace=trace)
                self._answer(rendering.key, record, received.reply_to)
            if answer.new and outcome.entry is not None:
                self._event(rendering)
            audit_events = self.names.audit_events
            self.records.append(Outgoing.of(audit_events, rendering.key, rendering.audit_event()))

    def _event(self, rendering: Rendering) -> None:
        events = self.names.balance_events
        self.records.append(Outgoing.of(events, rendering.key, rendering.balance_event()))

    def _answer(self, key: bytes, record: Record, reply_to: str | None) -> None:
        answer = Outgoing.of(self.names.results, key, record)
        if reply_to is None or reply_to == self.names.results:
            self.records.append(answer)
        else:
            self.replies.append(Reply(to=reply_to, answer=answer))

    def _undecided(self, answer: Answer) -> None:
        received, refused = answer.received, answer.refused
        assert refused is not None
        self.answered[received.type, "undecided", refused.code.value] += 1
        command = received.command
        answered = refusal(
            username=command.username,
            command_id=command.command_id,
            name=received.type,
            error=error_body(refused.code, refused.detail),
            at=utc_now(),
            trace=received.trace,
        )
        self._answer(command.username.encode(), answered, received.reply_to)
        if refused.code.info.dead_letter:
            topic = next(t for t in topics.ORDERED if received.source.topic.endswith(t.name))
            record = cast("Raw", received.record)
            self._dead_letter(record, topic, refused.code, refused.detail)

    def _dead_letter(self, record: Raw, topic: TopicSpec, code: Code, reason: str) -> None:
        self.dead[record.topic, code.value] += 1
        self.records.append(
            dead_letter(record, topic, code, reason, group=self.group, to=self.names.dead_letters)
        )

    def _credential(self, answer: Answer, rendering: Rendering) -> Outgoing:
        command = answer.received.command
        assert isinstance(command, Register)
        trace = answer.received.trace if answer.duplicate else None
        headers = rendering.result_headers(trace)
        body = {
            "command_id": command.command_id,
            "username": command.username,
            "sealed_password": command.sealed_password,
            "result": rendering.result_body(duplicate=answer.duplicate),
            "headers": {name: value.decode() for name, value in headers},
            "reply_to": answer.received.reply_to,
        }
        own = [
            (name, CeType.PENDING_CREDENTIAL.encode() if name == CE_TYPE else value)
            for name, value in headers
        ]
        return Outgoing(self.names.credentials, command.username.encode(), encoded(body), own)


def _waits_for_credential(answer: Answer) -> bool:
    """Say whether the answer is given once the password is hashed (or known to be)."""
    outcome, received = answer.outcome, answer.received
    return (
        outcome is not None
        and outcome.code is None
        and isinstance(received.command, Register)
        and received.password_problem is None
    )
