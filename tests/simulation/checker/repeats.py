"""P5: events are published again where something went wrong, and not the more often the longer all goes well."""

from collections import Counter

from contracts.topics import BALANCE_EVENTS
from tests.simulation.checker.evidence import Evidence, Findings
from tests.simulation.clocks import EPOCH
from workers.config.roles import Role
from workers.housekeeping.sweep import ROUND_S


def repeats_max(evidence: Evidence) -> int:
    """Return how often one event may stand there.

    Each worker that writes an account publishes an event once in each generation of its group, and once more for
    each call that failed. A housekeeper publishes what is owed with each of its pages, however often that is.
    """
    calm = evidence.calm
    assert calm is not None
    most = evidence.history.workers * (calm.generations + 1) + calm.struck
    if Role.HOUSEKEEPER in evidence.history.roles:
        most += int((calm.at_s - EPOCH.timestamp()) / ROUND_S) + 1
    return most


def check_repeats(evidence: Evidence) -> Findings:
    """Look at the event that was published most often."""
    if evidence.calm is None:
        return
    counts = Counter(
        (each.body["username"], each.body["sequence"])
        for each in evidence.topics.get(BALANCE_EVENTS.name, ())
    )
    for (username, sequence), count in counts.most_common(1):
        if count > repeats_max(evidence):
            yield f"P5: event {sequence} of {username} was published {count} times"
