"""What is done for one command, with our own bugs caught: one must not stop the others."""

import logging
import traceback
from collections.abc import Mapping
from datetime import datetime

from contracts.codes import Code
from handlers.account import Account
from handlers.announcing import Announced, announce
from handlers.batch import UNREADABLE, PerCommand
from handlers.decision import Refused
from handlers.outcome import Outcome, Source
from handlers.received import Received
from handlers.recording import Conclusion, conclude
from handlers.rendering import Record, Rendering
from handlers.rules import Rules

logger = logging.getLogger(__name__)

FAILED = Refused(code=Code.INTERNAL_ERROR, detail="the service failed; its operators are alerted")


def guarded(rules: Rules) -> PerCommand:
    """Return deciding by *rules* and announcing; where either raises, the command is refused."""

    def conclude_one(
        account: Account | None,
        received: Received,
        email_owners: Mapping[str, str],
        now: datetime,
    ) -> Conclusion | Refused:
        try:
            return conclude(account, received, email_owners, rules=rules, now=now)
        except Exception as error:  # noqa: BLE001 - the one place where a rule's bug may surface
            _report("a rule failed on", received.source, error)
            return FAILED

    return PerCommand(conclude=conclude_one, announce=announce_one)


def announce_one(received: Received, outcome: Outcome, new: bool) -> Announced | Refused:  # noqa: FBT001 - the shape of `PerCommand.announce`
    """Return what is said of *outcome*, or that it cannot be said.

    Recorded before, it may have been written by a release that this one does not understand.
    """
    try:
        return announce(received, outcome, new=new)
    except Exception as error:  # noqa: BLE001 - as above: before anything is stored
        _report("the outcome cannot be rendered of", received.source, error)
        return FAILED if new else UNREADABLE


def event_of(outcome: Outcome) -> Record | None:
    """Return the event of a recorded entry, or None where it can no longer be rendered."""
    try:
        return Rendering(outcome).balance_event()
    except Exception as error:  # noqa: BLE001 - as above: its user's trouble only
        _report("the recorded event cannot be rendered of", outcome.source, error)
        return None


def _report(what: str, source: Source, error: Exception) -> None:
    # Without the message: it may repeat what was sent.
    where = "".join(traceback.format_tb(error.__traceback__))
    place = f"{source.topic}-{source.partition}@{source.offset}"
    logger.error("%s %s with %s:\n%s", what, place, type(error).__name__, where)
