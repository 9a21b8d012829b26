"""What a lane's commands are decided on, and what comes of them."""

from collections.abc import Mapping, Sequence

import msgspec

from contracts.codes import Code
from handlers.model.account import Account
from handlers.model.changes import Changes, Owners
from handlers.model.corrupt import CorruptDocument
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Outcome, Source
from handlers.model.refused import Refused
from handlers.wire.announcing import Announced


class Gathered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the store knew, in one snapshot."""

    accounts: Mapping[str, Account]
    outcomes: Mapping[str, Outcome]
    owners: Owners
    corrupt: Mapping[str, CorruptDocument] = {}
    """Username → what keeps all their commands from being decided."""
    corrupt_outcomes: Mapping[str, CorruptDocument] = {}
    """`Outcome.id` → what keeps this one command from being answered."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to say to the sender of one record."""

    received: CommandRecord
    outcome: Outcome | None
    """The decision: new, or recorded before. None where nothing can be decided."""
    announced: Announced | None = None
    """What the decision says, where there is one."""
    refused: Refused | None = None
    """Why nothing can be decided."""
    new: bool = False
    """Decided just now, so that its event was never published."""


class LaneDecision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a lane writes and answers, and what has to wait."""

    changes: Changes
    answers: Sequence[Answer]
    """In decided order."""
    parked: Sequence[CommandRecord]
    """Undecided: refusing them now might be too early."""
    early: Mapping[Source, Code]
    """What some of `parked` would be refused with now; the others wait behind one of these."""
    undecided: Sequence[CommandRecord]
    """Left over because `commands_max` was reached."""
    questions: frozenset[int]
    """Partition numbers whose end offsets would let some refusal be final."""
    provisional: bool
    """Some refusal could have been lifted by other commands of its user."""
