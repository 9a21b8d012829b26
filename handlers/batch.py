"""Fold one lane's commands over the accounts they name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from contracts.codes import Code
from contracts.ledger import Movement
from contracts.profile import email_claim
from handlers.account import Account
from handlers.changes import Changes, EmailClaim
from handlers.decision import Decision, Moved, Opened, ProfileChanged, Refused
from handlers.evolve import NOT_STORED, evolve
from handlers.merging import Queues, earliest
from handlers.outcome import Entry, Outcome
from handlers.reading import Reading
from handlers.received import Received

Decide: TypeAlias = Callable[[Account | None, Received, Mapping[str, str], datetime], Decision]
"""`handlers.decide.decide`, with the rules bound and our own bugs caught."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the store knew, in one snapshot."""

    accounts: Mapping[str, Account]
    outcomes: Mapping[str, Outcome]
    email_owners: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who writes, and which of their events Kafka has not acknowledged yet."""

    writer: str
    unacknowledged: Mapping[str, int]
    """Username → lowest sequence in any of the writer's cycles not fully acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to say to the sender of one record."""

    received: Received
    outcome: Outcome | None
    """The decision: new, or recorded before. None where nothing can be decided."""
    refused: Refused | None = None
    """Why nothing can be decided."""

    @property
    def duplicate(self) -> bool:
        """Whether another record with this command id was decided before."""
        return self.outcome is not None and self.outcome.source != self.received.source


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDecision:
    """What a lane writes and answers, and what has to wait."""

    changes: Changes
    answers: Sequence[Answer]
    """In decided order."""
    parked: Sequence[Received]
    """Undecided: refusing them now might be too early."""
    questions: frozenset[int]
    """Partition numbers whose end offsets would let some refusal be final."""


@dataclass(slots=True)
class _Fold:
    """The state of the fold: what was gathered, and what was decided on top of it."""

    gathered: Gathered
    reading: Reading
    decide: Decide
    now: datetime
    accounts: dict[str, Account]
    outcomes: dict[str, Outcome]
    email_owners: dict[str, str]
    recorded: list[Outcome] = field(default_factory=list[Outcome])
    answers: list[Answer] = field(default_factory=list[Answer])
    parked: list[Received] = field(default_factory=list[Received])
    questions: set[int] = field(default_factory=set[int])
    opened: list[str] = field(default_factory=list[str])
    claims: dict[str, None] = field(default_factory=dict[str, None])

    def user(self, commands: Sequence[Received]) -> None:
        """Decide one user's commands until done, or until a refusal would be too early."""
        queues = Queues(commands, clock_skew_ms=self.reading.clock_skew_ms)
        while candidates := queues.candidates():
            for received in candidates:
                verdict = self._verdict(received)
                if not _may_be_lifted(verdict):
                    break
            else:
                received = earliest(candidates)
                if not self.reading.is_final(received):
                    if self.reading.lacks_ends(received):
                        self.questions.add(received.source.partition)
                    self.parked.extend(queues.rest())
                    return
                verdict = self._verdict(received)
            self._settle(received, verdict)
            queues.take(received)

    def _verdict(self, received: Received) -> Decision | Outcome:
        outcome = self.outcomes.get(received.id)
        if outcome is None:
            account = self.accounts.get(received.command.username)
            return self.decide(account, received, self.email_owners, self._moment(account))
        if outcome.fingerprint == received.fingerprint:
            return outcome
        return Refused(
            code=Code.COMMAND_ID_CONFLICT,
            detail="this command_id was used before with another content",
        )

    def _settle(self, received: Received, verdict: Decision | Outcome) -> None:
        if isinstance(verdict, Outcome):
            self.answers.append(Answer(received=received, outcome=verdict))
        elif isinstance(verdict, Refused) and not verdict.code.info.recorded:
            self.answers.append(Answer(received=received, outcome=None, refused=verdict))
        else:
            outcome = self._record(received, verdict)
            self.outcomes[outcome.id] = outcome
            self.recorded.append(outcome)
            self.answers.append(Answer(received=received, outcome=outcome))

    def _record(self, received: Received, decision: Decision) -> Outcome:
        username = received.command.username
        account = self.accounts.get(username)
        now = self._moment(account)
        if not isinstance(decision, Refused):
            before, account = account, evolve(account, decision, received, now=now)
            self.accounts[username] = account
            if isinstance(decision, Opened):
                self.opened.append(username)
            if not isinstance(decision, Moved):
                self._claim(before, account)
        return _outcome(received, decision, account, now)

    def _claim(self, before: Account | None, after: Account) -> None:
        """Give up the old address, then take the new one."""
        for account in (before, after):
            if account is not None:
                claim = email_claim(account.profile.email)
                self.claims[claim] = None
                if account is before:
                    self.email_owners.pop(claim, None)
                else:
                    self.email_owners[claim] = account.username

    def _moment(self, account: Account | None) -> datetime:
        """Return the time to decide at: it never goes back within an account."""
        return max(self.now, account.changed_at) if account else self.now

    def changes(self, stamp: Stamp) -> Changes:
        """Return all that this fold writes."""
        gathered = self.gathered
        touched = [
            _stamped(gathered.accounts.get(username), account, stamp)
            for username, account in self.accounts.items()
            if account is not gathered.accounts.get(username)
        ]
        by_name = {account.username: account for account in touched}
        owners = gathered.email_owners
        changed = [claim for claim in self.claims if owners.get(claim) != self._owner(claim)]
        return Changes(
            accounts=touched,
            outcomes=self.recorded,
            released=[
                EmailClaim(email=claim, username=owners[claim])
                for claim in changed
                if claim in owners
            ],
            claimed=[
                EmailClaim(email=claim, username=self.email_owners[claim])
                for claim in changed
                if claim in self.email_owners
            ],
            opened=[by_name[username] for username in self.opened],
        )

    def _owner(self, claim: str) -> str | None:
        return self.email_owners.get(claim)


def decide_lane(
    users: Sequence[Sequence[Received]],
    gathered: Gathered,
    reading: Reading,
    stamp: Stamp,
    *,
    decide: Decide,
    now: datetime,
) -> LaneDecision:
    """Decide in order, each command seeing what the ones before it did.

    *users* holds each user's commands, every partition's in their order.
    """
    fold = _Fold(
        gathered=gathered,
        reading=reading,
        decide=decide,
        now=now,
        accounts=dict(gathered.accounts),
        outcomes=dict(gathered.outcomes),
        email_owners=dict(gathered.email_owners),
    )
    for commands in users:
        fold.user(commands)
    return LaneDecision(
        changes=fold.changes(stamp),
        answers=fold.answers,
        parked=fold.parked,
        questions=frozenset(fold.questions),
    )


def _may_be_lifted(verdict: Decision | Outcome) -> bool:
    return isinstance(verdict, Refused) and verdict.code.info.liftable


def _stamped(before: Account | None, after: Account, stamp: Stamp) -> Account:
    """Sign *after*, and say how far its events are known to be published.

    Another writer's mark is left as it is: what it may owe is published before our own.
    """
    version = before.version if before else NOT_STORED
    published = after.published_sequence
    if before is not None and before.writer == stamp.writer:
        low = stamp.unacknowledged.get(after.username)
        if low is None and after.sequence > before.sequence:
            low = before.sequence + 1
        published = after.sequence if low is None else low - 1
    return replace(
        after, version=version + 1, writer=stamp.writer, published_sequence=published
    )


def _outcome(
    received: Received, decision: Decision, account: Account | None, now: datetime
) -> Outcome:
    command = received.command
    code, detail, entry = None, None, None
    match decision:
        case Refused():
            code, detail = decision.code, decision.detail
        case ProfileChanged():
            detail = f"changed {', '.join(decision.fields)}"
        case Moved():
            assert account is not None
            entry = Entry(
                sequence=account.sequence,
                currency=decision.currency,
                scale=decision.scale,
                amount_minor=decision.amount_minor,
                before_minor=decision.before_minor,
                after_minor=decision.after_minor,
                held_minor=decision.held_minor,
            )
        case Opened():
            pass
    movement = command if isinstance(command, Movement) else None
    return Outcome(
        username=command.username,
        command_id=command.command_id,
        type=received.type,
        fingerprint=received.fingerprint,
        account_id=account.account_id if account else None,
        decided_at=now,
        source=received.source,
        trace=received.trace,
        code=code,
        detail=detail,
        entry=entry,
        actor=received.actor,
        reason=movement.reason if movement else None,
        related_id=movement.related_id if movement else None,
        metadata=tuple(movement.metadata.items()) if movement and movement.metadata else None,
    )
