"""What one applied cycle has to say, in the order in which it is said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from contracts import topics
from contracts.headers import CE_TYPE, CeType
from contracts.registration import Register
from handlers.account import Account
from handlers.batch import Answer
from handlers.rendering import Rendering, balances, encoded, error_body, refusal
from workers.clock import utc_now
from workers.consuming.parcel import Parcel
from workers.consuming.records import Raw
from workers.consuming.unreadable import Unreadable
from workers.ledger.lane import Lane
from workers.publishing import Outgoing


@dataclass(slots=True, kw_only=True)
class Publication(Parcel):
    """A cycle's records. States are acknowledged before anything else is sent."""

    lowest: dict[str, int] = field(default_factory=dict[str, int])
    """Username → lowest sequence published here."""
    usernames: set[str] = field(default_factory=set[str])
    """Whose state is published here."""

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
            self.first.append(Outgoing.of(self.names.balances, account.username.encode(), record))
        self.usernames.update(accounts)
        self.lowest.update(lane.lowest)

    def add_unreadable(self, unreadable: Iterable[Unreadable]) -> None:
        """Keep what could not be understood, and answer where it can be told whom."""
        for problem in unreadable:
            self.bury(problem.record, problem.topic, problem.code, problem.reason)
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
            self.answer(problem.username.encode(), record, problem.reply_to)

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
                self.answer(rendering.key, record, received.reply_to)
            if answer.new and outcome.entry is not None:
                self._event(rendering)
            audit_events = self.names.audit_events
            self.records.append(Outgoing.of(audit_events, rendering.key, rendering.audit_event()))

    def _event(self, rendering: Rendering) -> None:
        events = self.names.balance_events
        self.records.append(Outgoing.of(events, rendering.key, rendering.balance_event()))

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
        self.answer(command.username.encode(), answered, received.reply_to)
        if refused.code.info.dead_letter:
            topic = next(t for t in topics.ORDERED if received.source.topic.endswith(t.name))
            record = cast("Raw", received.record)
            self.bury(record, topic, refused.code, refused.detail)

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
