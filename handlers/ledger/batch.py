"""Fold one lane's commands over the accounts they name."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import msgspec

from contracts.codes import Code
from contracts.registration import name_claim
from handlers.ledger.finality import ReadPositions
from handlers.ledger.house_rows import house_rows
from handlers.ledger.lane_decision import Answer, Gathered, LaneDecision
from handlers.ledger.merging import Queues, earliest
from handlers.ledger.recording import Conclusion, WriterMark, stamped
from handlers.model.account import BOOKED, Account
from handlers.model.changes import Changes, EmailClaim, NameClaim, Owners
from handlers.model.decision import Decision, Opened, TakenOver
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Outcome, Source
from handlers.model.refused import Refused
from handlers.wire.announcing import Announced

Verdict: TypeAlias = Conclusion | Outcome | Refused
"""A new decision, one recorded before, or why there can be none."""


class PerCommand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is done for each command by itself: a bug of ours in it must cost that command only."""

    conclude: Callable[[Account | None, CommandRecord, Owners, datetime], Conclusion | Refused]
    """`handlers.ledger.recording.conclude`, with the rules bound."""
    announce: Callable[[CommandRecord, Conclusion | Outcome], Announced | Refused]
    """`handlers.wire.announcing.announce`, of what is decided now or was before."""


UNREADABLE = Refused(
    code=Code.ACCOUNT_UNREADABLE,
    detail="what is stored of this account, or of this command, is damaged; operators are alerted",
)
"""Without what is damaged: its sender can do nothing with it."""


@dataclass(slots=True)
class _Fold:
    """The state of the fold: what was gathered, and what was decided on top of it."""

    gathered: Gathered
    reading: ReadPositions
    per_command: PerCommand
    now: datetime
    commands_max: int | None
    accounts: dict[str, Account]
    outcomes: dict[str, Outcome]
    owners: Owners
    recorded: list[Outcome] = field(default_factory=list[Outcome])
    answers: list[Answer] = field(default_factory=list[Answer])
    parked: list[CommandRecord] = field(default_factory=list[CommandRecord])
    early: dict[Source, Code] = field(default_factory=dict[Source, Code])
    questions: set[int] = field(default_factory=set[int])
    provisional: bool = False
    registered: list[str] = field(default_factory=list[str])
    undecided: list[CommandRecord] = field(default_factory=list[CommandRecord])
    claims: dict[str, None] = field(default_factory=dict[str, None])
    names: list[NameClaim] = field(default_factory=list[NameClaim])

    def user(self, commands: Sequence[CommandRecord]) -> None:
        """Decide one user's commands until done, or until a refusal would be too early."""
        if len(commands) == 1 and self.commands_max is None:
            [received] = commands
            verdict = self._verdict(received)
            if not _depends_on_other_commands(verdict):
                self._settle(received, verdict)  # most users: there is no order to find
                return
        queues = Queues(commands, clock_skew_ms=self.reading.clock_skew_ms)
        while candidates := queues.candidates():
            if len(self.answers) == self.commands_max:
                self.undecided.extend(queues.rest())
                return
            for received in candidates:
                verdict = self._verdict(received)
                if not _depends_on_other_commands(verdict):
                    break
            else:
                received = earliest(candidates)
                verdict = self._verdict(received)
                self.provisional = True
                if not self.reading.is_final(received):
                    self._note_early(received, verdict)
                    if self.reading.lacks_ends(received):
                        self.questions.add(received.source.partition)
                    self.parked.extend(queues.rest())
                    return
            self._settle(received, verdict)
            queues.take(received)

    def _note_early(self, received: CommandRecord, verdict: Verdict) -> None:
        assert isinstance(verdict, Conclusion)
        assert verdict.outcome.code is not None, "only a refusal can be too early"
        self.early[received.source] = verdict.outcome.code

    def _verdict(self, received: CommandRecord) -> Verdict:
        gathered = self.gathered
        if gathered.corrupt or gathered.corrupt_outcomes:
            username = received.command.username
            if username in gathered.corrupt or received.id in gathered.corrupt_outcomes:
                return UNREADABLE
        outcome = self.outcomes.get(received.id)
        if outcome is None:
            account = self.accounts.get(received.command.username)
            return self.per_command.conclude(account, received, self.owners, self.now)
        if outcome.fingerprint == received.fingerprint:
            return outcome
        return Refused(
            code=Code.COMMAND_ID_CONFLICT,
            detail="this command_id was used before with another content",
        )

    def _settle(self, received: CommandRecord, verdict: Verdict) -> None:
        if isinstance(verdict, Refused):
            self.answers.append(Answer(received=received, outcome=None, refused=verdict))
            return
        new = isinstance(verdict, Conclusion)
        outcome = verdict.outcome if new else verdict
        # First: what cannot be said must not be stored.
        announced = self.per_command.announce(received, verdict)
        if isinstance(announced, Refused):
            self.answers.append(Answer(received=received, outcome=None, refused=announced))
            return
        if new:
            self._record(verdict)
        self.answers.append(
            Answer(received=received, outcome=outcome, announced=announced, new=new)
        )

    def _record(self, conclusion: Conclusion) -> None:
        outcome = conclusion.outcome
        username = outcome.username
        if outcome.code is None:
            before, after = self.accounts.get(username), conclusion.account
            assert after is not None
            self.accounts[username] = after
            if outcome.entry is None:
                self._claim_for(conclusion.decision, before, after)
        self.outcomes[outcome.id] = outcome
        self.recorded.append(outcome)

    def _claim_for(self, decision: Decision, before: Account | None, after: Account) -> None:
        """Claim what no two users may have; money that moves claims nothing."""
        if isinstance(decision, Opened | TakenOver):
            self._claim_name(after.username)
            if after.signs_in:
                self.registered.append(after.username)
        self._claim(before, after)

    def _claim_name(self, username: str) -> None:
        name = name_claim(username)
        if name is not None and name not in self.owners.names:
            self.owners.names[name] = username
            self.names.append(NameClaim(name=name, username=username))

    def _claim(self, before: Account | None, after: Account) -> None:
        """Give up the old address, then take the new one."""
        claim = after.profile.email_claim
        if before is not None:
            given_up = before.profile.email_claim
            if given_up == claim:
                return  # nothing changes, and who owns it was perhaps not even asked for
            if given_up is not None and self.owners.emails.get(given_up) == after.username:
                self.claims[given_up] = None
                del self.owners.emails[given_up]  # somebody else's claim is not ours to give up
        if claim is not None:
            self.claims[claim] = None
            self.owners.emails[claim] = after.username

    def changes(self, stamp: WriterMark) -> Changes:
        """Return all that this fold writes."""
        gathered = self.gathered
        touched = [
            stamped(gathered.accounts.get(username), account, stamp)
            for username, account in self.accounts.items()
            if account is not gathered.accounts.get(username)
        ]
        by_name = {account.username: account for account in touched}
        owners = gathered.owners.emails
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
                EmailClaim(email=claim, username=self.owners.emails[claim])
                for claim in changed
                if claim in self.owners.emails
            ],
            names=self.names,
            registered=[by_name[username] for username in self.registered],
            houses=house_rows(
                self.recorded,
                self._unbooked(by_name),
                writer=f"{stamp.writer}:{stamp.lane}",
                at=self.now,
            ),
        )

    def _unbooked(self, touched: Iterable[str]) -> Iterator[Account]:
        """Yield the accounts, as gathered, that are taken into the books by this write."""
        for username in touched:
            before = self.gathered.accounts.get(username)
            if before is not None and before.books != BOOKED:
                yield before

    def _owner(self, claim: str) -> str | None:
        return self.owners.emails.get(claim)


def decide_lane(  # noqa: PLR0913 - the users, what is known, and three rules of the day
    users: Sequence[Sequence[CommandRecord]],
    gathered: Gathered,
    reading: ReadPositions,
    stamp: WriterMark,
    *,
    per_command: PerCommand,
    now: datetime,
    commands_max: int | None = None,
) -> LaneDecision:
    """Decide in order, each command seeing what the ones before it did.

    *users* holds each user's commands, every partition's in their order. Stops after
    *commands_max* answers where given.
    """
    fold = _Fold(
        gathered=gathered,
        reading=reading,
        per_command=per_command,
        now=now,
        commands_max=commands_max,
        accounts=dict(gathered.accounts),
        outcomes=dict(gathered.outcomes),
        owners=Owners(emails={**gathered.owners.emails}, names={**gathered.owners.names}),
    )
    for commands in users:
        fold.user(commands)
    return LaneDecision(
        changes=fold.changes(stamp),
        answers=fold.answers,
        parked=fold.parked,
        early=fold.early,
        undecided=fold.undecided,
        questions=frozenset(fold.questions),
        provisional=fold.provisional,
    )


def _depends_on_other_commands(verdict: Verdict) -> bool:
    if isinstance(verdict, Conclusion):
        code = verdict.outcome.code
        return code is not None and code.info.depends_on_other_commands
    return False
