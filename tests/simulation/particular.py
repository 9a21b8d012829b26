"""Makes some histories particular: what would hardly ever come together by itself is brought together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any
from zlib import crc32

from client.partitioning import hash_of
from contracts.topics import CHANGE_PASSWORD, DEPOSIT, LOGIN, OPEN, WITHDRAW, TopicSpec
from tests.simulation.checker.evidence import named, parsed
from tests.simulation.fates import Rates
from tests.simulation.history import (
    Blow,
    Disturbance,
    Flaw,
    History,
    Placement,
    Record,
    Sender,
    Unit,
    Waits,
)
from tests.simulation.signing import changing, registered
from tests.simulation.values import PASSWORDS, USERS, Values, a_record
from workers.config.roles import Role

FLAWED = 0.12
"""How often our own code fails on some records."""

OFTEN = (0.04, 0.03, 0.02)
"""How often each of the others is."""

TURNS = (14, 20)
"""How often two workers write one account in turns: more often than anything is published again."""


def particular(history: History) -> History:
    """Return *history*, or what has been made of it."""
    random = Random(f"special {history.seed}")
    if history.remakes:
        return history  # less is promised
    drawn = random.random()
    if drawn < FLAWED:
        return _flawed(history, random)
    drawn -= FLAWED
    for share, make in zip(OFTEN, (_in_turns, _handed_over, _given_up), strict=True):
        if drawn < share:
            return make(history, random)
        drawn -= share
    return history


def _flawed(history: History, random: Random) -> History:
    """Have our own code fail on some of the records."""
    records = [each for sender in history.senders for unit in sender.units for each in unit.records]
    flaws: dict[str, Flaw] = {}
    for record in random.sample(records, random.randint(1, 3)):
        body = parsed(record.value)
        own = (Flaw.ANSWERING,) if "request_id" in body else (Flaw.DECIDING, Flaw.SAYING)
        flaws[named(body)] = random.choice((*own, *own, Flaw.TAKING, Flaw.TAKEN))
    return replace(history, flaws=flaws)


def _in_turns(history: History, random: Random) -> History:
    """Have two workers write one account in turns, for two clients that place its key differently."""
    partitions = random.choice((2, 3))
    apart = [
        user
        for user in USERS
        if hash_of(user.encode()) % partitions != crc32(user.encode()) % partitions
    ]
    user = random.choice(apart)
    places = (Placement.JAVA, Placement.OTHER)
    moved = {"amount": "1.00", "currency": "USD"}
    records = [
        replace(_command(DEPOSIT, user, f"t{number}", moved), placement=places[number % 2])
        for number in range(random.randint(*TURNS))
    ]
    rest_s = random.choice((0.05, 0.1, 0.2))
    return replace(
        history,
        partitions=partitions,
        senders=(
            _sender("opens", Waits.ANSWERED, [_command(OPEN, user, "t", {})]),
            _sender("in-turns", Waits.ANSWERED, records, rest_s),
        ),
        rates=Rates(),
        disturbances=random.choice(((), history.disturbances)),
    )


def _handed_over(history: History, random: Random) -> History:
    """Have those who handle a registration stand still, while its user changes the password by another."""
    values = Values(random)
    rate = random.uniform(0.02, 0.06)
    return replace(
        history,
        roles=history.roles | {Role.IDENTITY},
        senders=tuple(
            _sender(f"registers-{user}", Waits.ANSWERED, [*_changing(values, user)], 0.1 * number)
            for number, user in enumerate(USERS)
        ),
        rates=Rates(on="find", frozen=rate),
        disturbances=(),
        busy_s=6.0,
    )


def _changing(values: Values, user: str) -> Iterator[Record]:
    """Yield what somebody sends who registers, and changes the password at once."""
    old, new = PASSWORDS
    yield registered(values, user, "r", old)
    steps = ((LOGIN, old), (CHANGE_PASSWORD, old), (LOGIN, new))
    yield from changing(values, user, "p", steps)


def _given_up(history: History, random: Random) -> History:
    """Have a cycle given up behind which much has come, and one topic read again before another."""
    users = random.sample(USERS, 2)
    away_s = random.uniform(0.3, 1.5)
    lasts_s = random.uniform(0.8, 2.5)
    return replace(
        history,
        partitions=random.choice((1, 1, 2)),
        brokers=2,
        senders=tuple(
            _sender(
                f"spends-{user}",
                Waits.ACKNOWLEDGED,
                [_command(OPEN, user, "o", {}), *_spending(random, user)],
                random.choice((0.05, 0.1, 0.2)),
            )
            for user in users
        ),
        rates=Rates(on="fetch", late=random.uniform(0.1, 0.4)),
        disturbances=(
            Disturbance(blow=Blow.MONGODB_AWAY, at_s=away_s, lasts_s=lasts_s, which=0),
            Disturbance(
                blow=random.choice((Blow.JOIN, Blow.JOIN, Blow.STOP, Blow.KILL)),
                at_s=away_s + random.uniform(0, lasts_s),
                lasts_s=random.choice((0.5, 2.0, 4.0)),
                which=random.randrange(16),
            ),
        ),
    )


def _spending(random: Random, user: str) -> Iterator[Record]:
    """Yield what somebody sends who pays in and takes out the same, again and again."""
    for number in range(random.randint(5, 8)):
        moved = {"amount": f"{random.randint(1, 90)}.00", "currency": "USD"}
        yield _command(DEPOSIT, user, f"in{number}", moved)
        yield _command(WITHDRAW, user, f"out{number}", moved)


def _command(topic: TopicSpec, user: str, identifier: str, body: Mapping[str, Any]) -> Record:
    return a_record(topic, {**body, "command_id": identifier, "username": user})


def _sender(name: str, waits: Waits, records: Sequence[Record], pause_s: float = 0.0) -> Sender:
    units = tuple(Unit(pause_s=pause_s, records=(record,)) for record in records)
    return Sender(name=name, waits=waits, units=units)
