"""Recorded entries and accounts as records, or nothing: one that cannot be rendered stops no other."""

import logging
from collections.abc import Iterable

from handlers.model.account import Account
from handlers.model.outcome import Outcome
from handlers.wire.rendering import Record, Rendering, balances
from workers.monitoring.error_places import places

logger = logging.getLogger(__name__)


def event_of(outcome: Outcome) -> Record | None:
    """Return the event of a recorded entry, or None where it can no longer be rendered.

    It may have been written by a release that this one does not understand.
    """
    try:
        return Rendering(outcome).balance_event()
    except Exception as error:  # noqa: BLE001 - our bug, or another release's: its user's trouble only
        report(f"the event of outcome {outcome.id} cannot be rendered", error)
        return None


def events_of(outcomes: Iterable[Outcome]) -> list[tuple[str, Record]]:
    """Return usernames and events in order; of each account those before one that fails (P5)."""
    events: list[tuple[str, Record]] = []
    stopped = set[str]()
    for outcome in outcomes:
        event = None if outcome.username in stopped else event_of(outcome)
        if event is None:
            stopped.add(outcome.username)
        else:
            events.append((outcome.username, event))
    return events


def state_of(account: Account) -> Record | None:
    """Return the balances of *account*, or None where they cannot be rendered.

    A state that is not said is out of date, no more: its events say the same.
    """
    try:
        return balances(account)
    except Exception as error:  # noqa: BLE001 - our bug: its user's trouble only
        report(f"the state of account {account.account_id} cannot be rendered", error)
        return None


def report(what: str, error: Exception) -> None:
    """Log what failed and where, without the error's text: it may repeat what was sent."""
    logger.error("%s: %s", what, places(error))
