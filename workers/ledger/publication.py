"""What one applied cycle has to say, in the order in which it is said."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from contracts import topics
from handlers.ledger.lane_decision import Answer
from handlers.model.account import Account
from handlers.model.input_records import CommandRecord
from handlers.wire.announcing import Announced
from handlers.wire.rendering import OF_COMMANDS, error_body
from workers.batches.outgoing_batch import OutgoingBatch
from workers.batches.rendered import state_of
from workers.clock import utc_now
from workers.consuming.records import Raw
from workers.kafka.publishing import Outgoing
from workers.ledger.lane import Lane
from workers.ledger.published_sequences import CycleSequences


@dataclass(slots=True, kw_only=True)
class Publication(OutgoingBatch):
    """A cycle's records. States are acknowledged before anything else is sent."""

    form = OF_COMMANDS

    sequences: CycleSequences = field(default_factory=CycleSequences)
    """Of the events published here."""
    shared: set[str] = field(default_factory=set[str])
    """Users whose account another writer had marked."""
    usernames: set[str] = field(default_factory=set[str])
    """Whose state is published here."""

    def add_lane(self, lane: Lane) -> None:
        """Say what *lane* did: states, owed events, answers, own events."""
        accounts: dict[str, Account] = {}
        for applied in lane.applied:  # what came later is newer, be it by another worker
            for account in applied.decision.changes.accounts:
                accounts[account.username] = account
            for owed in applied.owed:
                username = owed.outcome.username
                accounts[username] = applied.accounts[username]
                events = self.names.balance_events
                self.records.append(Outgoing.of(events, username.encode(), owed.event))
            for name in lane.again:
                if name in applied.accounts:
                    accounts[name] = applied.accounts[name]
            self._answers(applied.decision.answers)
        for account in accounts.values():
            if (record := state_of(account)) is not None:
                key = account.username.encode()
                self.first.append(Outgoing.of(self.names.balances, key, record))
        self.usernames.update(accounts)
        self.sequences.take_in(lane.sequences)
        self.shared.update(lane.shared)

    def _answers(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            received = answer.received
            self.times_ms.setdefault(received.type, []).append(received.timestamp_ms)
            if answer.announced is None or answer.outcome is None:
                self._undecided(answer)
                continue
            code = answer.outcome.code
            self.answered[received.type, "rejected" if code else "accepted", code or ""] += 1
            self._announce(received, answer.announced)

    def _announce(self, received: CommandRecord, announced: Announced) -> None:
        key, names = received.command.username.encode(), self.names
        if announced.awaits_credential:
            self.records.append(Outgoing.of(names.credentials, key, announced.answer))
        else:
            self.answer(key, announced.answer, received)
        # Made by position, because this runs for every command.
        if (event := announced.event) is not None:
            self.records.append(Outgoing(names.balance_events, key, event.value, event.headers))
        audit = announced.audit
        self.records.append(Outgoing(names.audit_events, key, audit.value, audit.headers))

    def _undecided(self, answer: Answer) -> None:
        received, refused = answer.received, answer.refused
        assert refused is not None
        self.answered[received.type, "undecided", refused.code.value] += 1
        command = received.command
        refusal = self.form.refusal(
            username=command.username,
            identifier=command.command_id,
            name=received.type,
            error=error_body(refused.code, refused.detail, refused.errors),
            at=utc_now(),
            trace=received.trace,
        )
        self.answer(command.username.encode(), refusal, received)
        if refused.code.info.dead_letter:
            topic = next(t for t in topics.ORDERED if received.source.topic.endswith(t.name))
            record = cast("Raw", received.record)
            self.add_dead_letter(record, topic, refused.code, refused.detail)
