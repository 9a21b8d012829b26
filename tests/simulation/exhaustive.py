"""Short histories in which each call fails in each way, one after the other, and two of them together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from contracts.topics import (
    CHANGE_PASSWORD,
    DEPOSIT,
    LOGIN,
    LOGOUT,
    OPEN,
    UPDATE_PROFILE,
    WITHDRAW,
    TopicSpec,
)
from tests.simulation.fates import Place, Rates
from tests.simulation.history import Ends, History, Record, Sender, Unit, Waits
from tests.simulation.network import Fate, Said
from tests.simulation.runs import run
from tests.simulation.signing import changing, registered
from tests.simulation.values import PASSWORDS, Values, a_record
from workers.config.roles import Role

IDLE = ("heartbeat", "fetch")
"""Operations that a worker repeats for ever; the first few are enough."""

IDLE_MAX = 12


def short_histories() -> Sequence[History]:
    """Return histories of a few commands, which reach every step of a cycle."""
    money = (
        _command(OPEN, "1", {}),
        _command(DEPOSIT, "2", {"amount": "10.00", "currency": "USD"}),
        _command(DEPOSIT, "2", {"amount": "10.00", "currency": "USD"}),
        _command(WITHDRAW, "3", {"amount": "4.00", "currency": "USD"}),
        _command(WITHDRAW, "4", {"amount": "40.00", "currency": "USD"}),
        _command(UPDATE_PROFILE, "5", {"first_name": "Alice"}),
    )
    return (
        _history("careful", Waits.ANSWERED, 1, *((record,) for record in money)),
        _history("careless", Waits.NOTHING, 2, *((record,) for record in money)),
        _history("transactional", Waits.ACKNOWLEDGED, 1, money[:2], money[2:]),
        replace(
            _history("signing in", Waits.ANSWERED, 2, *((record,) for record in _signing_in())),
            roles=frozenset({Role.LEDGER, Role.IDENTITY}),
        ),
    )


def _signing_in() -> Iterator[Record]:
    """Yield what somebody sends who registers, and changes the password."""
    values, username = Values(Random(0)), "alice"
    old, new = PASSWORDS
    yield registered(values, username, "c1", old)
    steps = ((LOGIN, old), (CHANGE_PASSWORD, old), (LOGIN, new), (LOGOUT, new))
    yield from changing(values, username, "s", steps)


def places_of(history: History) -> Mapping[Place, int]:
    """Return every call of *history* while nothing goes wrong, and how many errors each has."""
    places: dict[Place, int] = {}
    report = run(history, script={}, places=places)
    assert not report.violations, report.violations
    return {place: errors for place, errors in places.items() if _counts(place)}


def _counts(place: Place) -> bool:
    return place[0].startswith("worker") and (not place[1].endswith(IDLE) or place[2] < IDLE_MAX)


def singles(places: Mapping[Place, int]) -> Iterator[Mapping[Place, Fate]]:
    """Yield one script for each way in which each call can fail."""
    for place, errors in places.items():
        for fate in _fates(errors):
            yield {place: fate}


def pairs(
    places: Mapping[Place, int], count: int, random: Random
) -> Iterator[Mapping[Place, Fate]]:
    """Yield *count* scripts in which two calls fail."""
    known = [*places]
    for _ in range(count):
        first, second = random.sample(known, 2)
        yield {each: random.choice([*_fates(places[each])]) for each in (first, second)}


def crashes(places: Iterable[Place], *, before: bool) -> Iterator[Mapping[Place, Fate]]:
    """Yield a script for a crash behind each call, and one *before* it if wanted."""
    for place in places:
        for done in (False, True) if before else (True,):
            yield {place: Fate(done=done, said=Said.KILLED)}


def second_crashes(history: History, first: Mapping[Place, Fate]) -> Sequence[Mapping[Place, Fate]]:
    """Return *first*, and each crash that can follow it, of the same worker's next process or of another's.

    A crash before a call differs from the one behind the call before it in nothing that stays.
    """
    places: dict[Place, int] = {}
    run(history, script=first, places=places)
    order = [place for place in places if _counts(place)]
    [crashed] = first
    later = order[order.index(crashed) + 1 :] if crashed in places else []
    return [first, *({**first, **second} for second in crashes(later, before=False))]


def _fates(errors: int) -> Iterator[Fate]:
    """Yield a crash, what nobody foresaw and silence, before and after; and each wrong answer."""
    for done in (False, True):
        for said in (Said.KILLED, Said.UNFORESEEN, Said.NEVER):
            yield Fate(done=done, said=said)
        for error in range(errors):
            yield Fate(done=done, said=Said.ERROR, error=error)
    yield Fate(frozen_s=5.0)


def _command(topic: TopicSpec, number: str, body: Mapping[str, str]) -> Record:
    return a_record(topic, {"command_id": f"c{number}", "username": "alice", **body})


def _history(name: str, waits: Waits, workers: int, *units: Sequence[Record]) -> History:
    ends = Ends.COMMITTED if name == "transactional" else Ends.PLAIN
    sent = tuple(Unit(pause_s=0.05, records=tuple(records), ends=ends) for records in units)
    return History(
        seed=0,
        senders=(Sender(name=name, waits=waits, units=sent),),
        disturbances=(),
        rates=Rates(),
        partitions=1,
        workers=workers,
    )
