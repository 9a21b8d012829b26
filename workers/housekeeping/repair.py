"""Repairs one account: finds out what is wrong with it, mends it, and says what subscribers miss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from handlers.history.adjusting import adjustments, changes_of
from handlers.history.entries import Entries
from handlers.history.rebuilding import CannotRebuild, Evidence, Rebuilt, claims, rebuild
from handlers.history.reference import Reference, Referring
from handlers.history.repair import Repair
from handlers.model.account import Account
from handlers.model.changes import EmailClaim
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import HouseRow
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange
from storage.ports.errors import CorruptDocumentError
from storage.ports.houses import Houses
from storage.ports.inspection import Inspection
from storage.ports.ledger import Ledger
from storage.ports.repairs import Mending, Repairs
from workers.clock import fresh_name, utc_now
from workers.housekeeping.diagnosis import Diagnosis, detail, orphans

EVENTS_MAX = 1000
"""Events published at once: well under a second's work."""

PROBLEMS_MAX = 20
"""Told one by one: enough to see the pattern."""

SETTLE_TRIES = 5
"""Times the state is published again because a worker wrote the account meanwhile; after that it is
busy, and its worker says its state often enough."""


class BalanceEventsTopic(Protocol):
    """What the topic of balance events says, where it was read."""

    def lacks(self, outcome: Outcome) -> bool:
        """Say whether the event of *outcome* should be there, and is not."""
        ...


class RepairTopics(Protocol):
    """Where a repair says what it did. Raises what its implementation raises."""

    async def publish_states(self, accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
        """Publish the states, then the events of *owed* in order; return once acknowledged."""
        ...

    async def publish_audit(self, repair: Repair) -> None:
        """Publish who repaired what; return once acknowledged."""
        ...


@dataclass(slots=True)
class _History:
    """One account's entries, and what of them the topic lacks."""

    entries: Entries = field(default_factory=Entries)
    problems: list[str] = field(default_factory=list[str])
    lacking: list[int] = field(default_factory=list[int])


@dataclass(frozen=True, slots=True)
class Repairing:
    """Examines first, and carries out what was decided on that."""

    ledger: Ledger
    inspection: Inspection
    repairs: Repairs
    houses: Houses
    topics: RepairTopics

    async def examine(
        self,
        username: str,
        *,
        given: Mapping[str, str] | None = None,
        published: BalanceEventsTopic | None = None,
    ) -> Diagnosis:
        """Find out what is wrong; changes nothing."""
        found = await self.repairs.find(username)
        # After the account: entries that come meanwhile raise its version.
        history = await self._history(username, published)
        decisions, remarks = await self._decisions(username)
        if history.problems:
            return Diagnosis(username=username, problems=history.problems, remarks=remarks)
        named = [
            one
            for one in await self.inspection.references_of(username)
            if isinstance(one, Reference)
        ]
        evidence = Evidence(
            username=username,
            remains=found.remains,
            entries=history.entries,
            decisions=decisions,
            claims=[one.id for one in named if one.collection is Referring.EMAILS],
            given=given or {},
        )
        rebuilt = rebuild(evidence, writer=f"repair-{fresh_name()}")
        if isinstance(rebuilt, CannotRebuild):
            return Diagnosis(username=username, problems=rebuilt.reasons, remarks=remarks)
        if rebuilt is None:
            return orphans(username, named)
        return await self._compared(rebuilt, evidence, history.lacking, remarks, found.seen)

    async def _compared(
        self,
        rebuilt: Rebuilt,
        evidence: Evidence,
        lacking: Sequence[int],
        remarks: Sequence[str],
        seen: object,
    ) -> Diagnosis:
        """Compare the account as it must be with what stands beside it."""
        released, taken, remark = await self._claims(rebuilt.account, evidence.claims)
        stored = await self._stored(evidence.username)
        return Diagnosis(
            username=evidence.username,
            remarks=[*remarks, *remark],
            rebuilt=rebuilt,
            released=released,
            claimed=taken,
            owed=await self._owed(rebuilt.account, stored, lacking),
            lacking=len(lacking),
            booked=await self._booked(rebuilt.account),
            unfinished=await self._unfinished(stored),
            seen=seen,
        )

    async def carry_out(self, diagnosis: Diagnosis, *, actor: str | None) -> Repair:
        """Mend what was found, then say it; an interrupted one is finished when it is called again.

        Raises:
            LostRaceError: The account was written since; nothing was changed.
            CommitUnknownError: Nobody can say whether it was changed; examine it again.
        """
        if diagnosis.unfinished is not None and not diagnosis.rewrites:
            await self._say(diagnosis.unfinished, diagnosis)
            return diagnosis.unfinished
        rebuilt = diagnosis.rebuilt
        repair = Repair(
            id=rebuilt.account.writer if rebuilt else f"repair-{fresh_name()}",
            username=diagnosis.username,
            at=utc_now(),
            detail=detail(diagnosis),
            actor=actor,
            published=diagnosis.owed,
        )
        await self.repairs.apply(
            Mending(
                repair=repair,
                seen=diagnosis.seen,
                account=rebuilt.account if rebuilt and diagnosis.rewrites else None,
                released=diagnosis.released,
                claimed=diagnosis.claimed,
                houses=diagnosis.booked if diagnosis.rewrites else (),
                discarded=bool(diagnosis.discarded),
            )
        )
        await self._say(repair, diagnosis)
        return repair

    async def _say(self, repair: Repair, diagnosis: Diagnosis) -> None:
        if diagnosis.owed is not None:
            await self._say_events(diagnosis.owed)
        await self._say_state(repair.username)
        await self.topics.publish_audit(repair)
        # Now nothing that it wrote is owed any more.
        await self.ledger.sign_off(repair.id, at=utc_now())

    async def _say_events(self, owed: EntryRange) -> None:
        events: list[Outcome] = []
        async for outcome in self.inspection.entries(owed.username, after=owed.after):
            assert isinstance(outcome, Outcome), "examined a moment ago"
            assert outcome.entry is not None
            if outcome.entry.sequence > owed.up_to:
                break
            events.append(outcome)
            if len(events) == EVENTS_MAX:
                await self.topics.publish_states([], events)
                events = []
        await self.topics.publish_states([], events)

    async def _say_state(self, username: str) -> None:
        """Publish the state, and again if a worker wrote meanwhile: ours could be the last."""
        version = None
        for _ in range(SETTLE_TRIES):
            account = await self._stored(username)
            if account is None or account.version == version:
                return
            version = account.version
            await self.topics.publish_states([account], [])

    async def _history(self, username: str, published: BalanceEventsTopic | None) -> _History:
        history = _History()
        async for outcome in self.inspection.entries(username):
            if isinstance(outcome, CorruptDocument):
                history.entries.skip(outcome)
                history.problems.append(str(outcome))
                continue
            history.problems += [detail for _, detail in history.entries.add(outcome)]
            if published is not None and published.lacks(outcome):
                assert outcome.entry is not None
                history.lacking.append(outcome.entry.sequence)
            if len(history.problems) >= PROBLEMS_MAX:
                break
        return history

    async def _decisions(self, username: str) -> tuple[Sequence[Outcome], Sequence[str]]:
        """Return what else was decided, and what of it cannot be understood."""
        decisions: list[Outcome] = []
        remarks: list[str] = []
        async for outcome in self.repairs.decisions(username):
            if isinstance(outcome, Outcome):
                decisions.append(outcome)
            else:
                remarks.append(f"{outcome}: it stays so, and its command is not answered again")
        return decisions, remarks[:PROBLEMS_MAX]

    async def _claims(
        self, account: Account, claimed: Sequence[str]
    ) -> tuple[Sequence[EmailClaim], Sequence[EmailClaim], Sequence[str]]:
        """Return the claims to give up and to take, and what keeps the address from being taken."""
        wanted = account.profile.email_claim
        if wanted is None:
            released, taken = claims(account, claimed, None)
            return released, taken, []
        async with self.ledger.transaction() as snapshot:
            owner = (await snapshot.email_owners([wanted])).get(wanted)
            if isinstance(owner, CorruptDocument):
                await snapshot.commit()
                return [], [], ["whose its e-mail address is cannot be read: remove that claim"]
            other = (await snapshot.accounts([owner])).get(owner) if owner is not None else None
            await snapshot.commit()
        released, taken = claims(account, claimed, owner)
        if owner == account.username or other is None:
            return released, taken, []
        if isinstance(other, Account) and other.profile.email_claim != wanted:
            return released, taken, []
        own = [one for one in released if one.username == account.username]
        whose = "whose account uses it" if isinstance(other, Account) else "which cannot be read"
        return own, [], [f"its e-mail address is claimed for {owner}, {whose}"]

    async def _booked(self, rebuilt: Account) -> Sequence[HouseRow]:
        """Return what is booked beside the change of the account, if its money changes at all."""
        changes = changes_of(rebuilt, await self.houses.counted(rebuilt.username))
        if not changes:
            return []
        return adjustments(changes, await self.houses.totals(), writer=rebuilt.writer, at=utc_now())

    async def _stored(self, username: str) -> Account | None:
        try:
            return await self.ledger.account(username)
        except CorruptDocumentError:
            return None

    async def _owed(
        self, rebuilt: Account, stored: Account | None, lacking: Sequence[int]
    ) -> EntryRange | None:
        """Return the events to publish: from the first that may be missing to the last."""
        after = rebuilt.published_sequence
        if stored is not None and await self.ledger.signed_off([stored.writer]):
            after = rebuilt.sequence
        after = min([after, *(sequence - 1 for sequence in lacking)])
        if after >= rebuilt.sequence:
            return None
        return EntryRange(username=rebuilt.username, after=after, up_to=rebuilt.sequence)

    async def _unfinished(self, stored: Account | None) -> Repair | None:
        if stored is None:
            return None
        repair = await self.repairs.repair(stored.writer)
        if repair is None or await self.ledger.signed_off([repair.id]):
            return None
        return repair
