"""What was found wrong with one account, and what a repair of it does."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.money import to_amount
from handlers.history.rebuilding import Rebuilt
from handlers.history.reference import Reference, Referring
from handlers.history.repair import Repair
from handlers.model.changes import EmailClaim
from handlers.model.house import HouseRow, house_account
from handlers.model.unpublished import EntryRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What is wrong with one account, and what would mend it."""

    username: str
    problems: Sequence[str] = ()
    """Why it cannot be repaired: what is recorded does not add up."""
    remarks: Sequence[str] = ()
    """What a repair leaves as it is."""
    rebuilt: Rebuilt | None = None
    released: Sequence[EmailClaim] = ()
    claimed: Sequence[EmailClaim] = ()
    discarded: Sequence[Reference] = ()
    """What names an account of which nothing else is left."""
    owed: EntryRange | None = None
    """Whose events subscribers may miss."""
    lacking: int = 0
    """Of them, how many the topic does not have."""
    booked: Sequence[HouseRow] = ()
    """What the houses gain, so that books which balance go on balancing."""
    unfinished: Repair | None = None
    """An earlier repair that did not say all it had to."""
    seen: object = None

    @property
    def rewrites(self) -> bool:
        """Whether the account's document or its claims change."""
        changes = bool(self.rebuilt and self.rebuilt.changes)
        return changes or bool(self.released or self.claimed)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return self.rewrites or bool(self.discarded or self.owed or self.unfinished)


def orphans(username: str, named: Sequence[Reference]) -> Diagnosis:
    """Return what to do about documents that name an account of which nothing is left."""
    if any(one.collection is Referring.OUTCOMES for one in named):
        return Diagnosis(
            username=username,
            problems=["outcomes name an account, but neither it nor its registration is there"],
        )
    return Diagnosis(username=username, discarded=named)


def detail(diagnosis: Diagnosis) -> str:
    """Return what is done, in words: field names and amounts, nothing of the profile."""
    done: list[str] = []
    if diagnosis.rebuilt is not None:
        done += [f"{one.field} {one.was} -> {one.becomes}" for one in diagnosis.rebuilt.changes]
    done += postings_said(diagnosis.booked)
    if diagnosis.released:
        done.append(f"{len(diagnosis.released)} e-mail claims given up")
    if diagnosis.claimed:
        done.append("e-mail address claimed")
    if diagnosis.discarded:
        done.append(f"{len(diagnosis.discarded)} documents without an account deleted")
    if diagnosis.owed is not None:
        done.append(f"events {diagnosis.owed.after + 1} to {diagnosis.owed.up_to} published again")
    return "; ".join(done) or "state published again"


def postings_said(rows: Sequence[HouseRow]) -> list[str]:
    """Return in words what the houses gain."""
    return [
        f"{house_account(row.house)} {to_amount(row.sum_minor, row.scale)} {row.currency}"
        for row in rows
    ]
