"""A history: what is sent and what happens meanwhile, as data, so that it can be shown, run again and shrunk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.sealing import Purpose
from tests.simulation.clocks import Wrong
from tests.simulation.fates import Rates
from workers.config.roles import Role


class Waits(StrEnum):
    """What a sender waits for before it sends the next unit."""

    NOTHING = "nothing"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"


class Ends(StrEnum):
    """How a unit ends."""

    PLAIN = "plain"
    """There is no transaction."""
    COMMITTED = "committed"
    ABORTED = "aborted"


class Placement(StrEnum):
    """Which partition a sender's client gives a key."""

    JAVA = "java"
    OTHER = "other"
    """As clients whose default is another hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A sealed field, filled in as it is sent."""

    field: str
    purpose: Purpose
    text: str
    """What is sealed. In braces: a token of those that its sender was given last, such as `{refresh_token}`."""
    to_reply: bool
    """Whether it is bound to `reply_pair`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record that is sent."""

    topic: str
    """After the prefix."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    placement: Placement = Placement.JAVA
    secrets: tuple[Secret, ...] = ()
    """Fields that *value* lacks still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What is sent together."""

    pause_s: float
    records: tuple[Record, ...]
    ends: Ends = Ends.PLAIN
    held_s: float = 0.0
    """How long a transaction stays open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Somebody outside who sends one unit after the other."""

    name: str
    waits: Waits
    units: tuple[Unit, ...]


class Blow(StrEnum):
    """What can happen to processes and servers."""

    KILL = "kill"
    PAUSE = "pause"
    STOP = "stop"
    """A clean one, as at every release."""
    JOIN = "join"
    """One more process comes, and goes again."""
    RESET = "offsets reset to zero"
    KAFKA_AWAY = "Kafka away"
    MONGODB_AWAY = "MongoDB away"
    REDIS_AWAY = "Redis away"
    REDIS_FLUSHED = "Redis flushed"
    PARTITIONS = "partitions added"
    REMADE = "a topic made again"
    ELECTION = "MongoDB fails over"
    DAMAGED = "a document is damaged"
    FORGED = "a balance is raised by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """One of them, when, and for how long."""

    blow: Blow
    at_s: float
    lasts_s: float
    which: int
    """Which process or topic, counted round."""


class Flaw(StrEnum):
    """Where our own code fails on one record, as if it had a bug there."""

    DECIDING = "deciding it"
    SAYING = "saying what was decided"
    ANSWERING = "answering it"
    TAKING = "taking its batch, once"
    TAKEN = "when its batch was taken, once"

    @property
    def lasts(self) -> bool:
        """Whether it fails on that record however often it comes; that must hurt no other."""
        return self not in {Flaw.TAKING, Flaw.TAKEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that is drawn beforehand; the order of what happens at once is drawn from *seed* as it runs."""

    seed: int
    senders: tuple[Sender, ...]
    disturbances: tuple[Disturbance, ...]
    rates: Rates
    partitions: int = 2
    busy_s: float = 4.5
    """How long senders send and things go wrong; then all becomes calm."""
    brokers: int = 2
    """Of two, one topic's records can come in a fetch before another's."""
    workers: int = 2
    roles: frozenset[Role] = frozenset({Role.LEDGER})
    clocks: Mapping[str, Wrong] = field(default_factory=dict[str, Wrong])
    reply_topics: tuple[str, ...] = ()
    """After the prefix: those that callers have made for their answers."""

    flaws: Mapping[str, Flaw] = field(default_factory=dict[str, Flaw])
    """By `<username>:<id>`."""

    @property
    def records(self) -> int:
        """How many are sent, without repeats of clients that heard nothing."""
        return sum(len(unit.records) for sender in self.senders for unit in sender.units)

    @property
    def remakes(self) -> bool:
        """Whether records may vanish, or come where nobody waited for them: then less is promised."""
        return any(one.blow in {Blow.REMADE, Blow.PARTITIONS} for one in self.disturbances)
