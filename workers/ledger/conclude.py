"""What is done for one command, with our own bugs caught: one must not stop the others."""

from datetime import datetime
from typing import Protocol

from contracts.codes import Code
from handlers.ledger.batch import UNREADABLE, PerCommand
from handlers.ledger.recording import Conclusion, conclude
from handlers.model.account import Account
from handlers.model.changes import Owners
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Outcome
from handlers.model.refused import Refused
from handlers.model.rules import Rules
from handlers.wire.announcing import Announced, announce
from handlers.wire.rendering import Rendering
from workers.batches.rendered import report

FAILED = Refused(code=Code.INTERNAL_ERROR, detail="the service failed; its operators are alerted")


class Announce(Protocol):
    """`handlers.wire.announcing.announce`."""

    def __call__(self, received: CommandRecord, rendering: Rendering, *, new: bool) -> Announced:
        """Return what *received* is told of an outcome, and what others are told of both."""
        ...


class Conclude(Protocol):
    """`handlers.ledger.recording.conclude`."""

    def __call__(
        self,
        account: Account | None,
        received: CommandRecord,
        owners: Owners,
        *,
        rules: Rules,
        now: datetime,
    ) -> Conclusion | Refused:
        """Decide one command and work out what it leaves behind."""
        ...


def guarded(
    rules: Rules, *, conclude: Conclude = conclude, announce: Announce = announce
) -> PerCommand:
    """Return deciding by *rules* and announcing; where either raises, the command is refused."""

    def conclude_one(
        account: Account | None, received: CommandRecord, owners: Owners, now: datetime
    ) -> Conclusion | Refused:
        try:
            return conclude(account, received, owners, rules=rules, now=now)
        except Exception as error:  # noqa: BLE001 - the one place where a rule's bug may surface
            report(f"a rule failed on {_place(received)}", error)
            return FAILED

    def announce_one(received: CommandRecord, verdict: Conclusion | Outcome) -> Announced | Refused:
        # Recorded before, it may have been written by a release that this one does not understand.
        try:
            if isinstance(verdict, Conclusion):
                return announce(received, verdict.rendering, new=True)
            return announce(received, Rendering(verdict), new=False)
        except Exception as error:  # noqa: BLE001 - as above: before anything is stored
            report(f"the outcome of {_place(received)} cannot be rendered", error)
            return FAILED if isinstance(verdict, Conclusion) else UNREADABLE

    return PerCommand(conclude=conclude_one, announce=announce_one)


def _place(received: CommandRecord) -> str:
    source = received.source
    return f"{source.topic}-{source.partition}@{source.offset}"
