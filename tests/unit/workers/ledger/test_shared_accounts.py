"""P5: one user's deposits through two workers, and how often the same events are said again.

Two partitioners bring one account's commands to two workers. Each meets the other's mark every
time, and has to take what the other wrote last for unsaid.
"""

import pytest

from tests.received import a_deposit, a_registration, received
from tests.unit.workers.ledger.ledger_faults import FaultyLedger
from tests.unit.workers.ledger.ledger_model import Log, Worker, finished

DEPOSITS = 4000
EVENTS_PER_ENTRY_MAX = 3
"""The worker's own event, the same said again by the other, and one more for bad timing."""

STRANGE = 3
"""Entries before either worker has met the other: what went before is said again as a whole."""

IN_HAND = 4
"""Deposits of two workers with two cycles each: what nobody has seen acknowledged at the end."""


def deposit_into(worker: Worker, number: int, partition: int) -> None:
    """Decide one deposit in a cycle of its own."""
    command = a_deposit("1.00", command_id=f"d-{number}")
    worker.cycle([received(command, offset=number, partition=partition)], final=True, lanes=1)


@pytest.mark.parametrize("overlapped", [False, True], ids=["acknowledged", "overlapped"])
def test_alternating_deposits_are_said_three_times_at_most(*, overlapped: bool) -> None:
    """By the two workers themselves, and little of them by whoever comes after both."""
    ledger, log = FaultyLedger(), Log()
    workers = [Worker(ledger, log, []) for _ in range(2)]
    workers[0].cycle([received(a_registration())], final=True, lanes=1)
    workers[0].acknowledge()

    for number in range(DEPOSITS):
        worker = workers[number % 2]
        if not overlapped or worker.applied is not None:
            worker.acknowledge()  # else the one before is on its way while this one is decided
        deposit_into(worker, number, number % 2)
        most = EVENTS_PER_ENTRY_MAX * (number + 1 + STRANGE)
        assert log.event_records <= most, f"after {number + 1} deposits"
    for worker in workers:
        worker.acknowledge()
        worker.acknowledge()
    said = log.event_records
    newcomer = Worker(ledger, log, [])
    deposit_into(newcomer, DEPOSITS, 0)
    newcomer.acknowledge()

    account = finished(ledger.account("alice"))
    assert account is not None
    assert account.sequence == len(log.events["alice"]) == DEPOSITS + 1
    assert said <= EVENTS_PER_ENTRY_MAX * DEPOSITS
    assert log.event_records - said <= EVENTS_PER_ENTRY_MAX * IN_HAND
