"""Draws what goes wrong in a history: how calls fare, and what happens to processes and servers."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.simulation.fates import FATES, Rates
from tests.simulation.history import Blow, Disturbance

FOCUSED = 0.5
"""How often it is one operation alone that goes wrong, and often."""

OPERATIONS = (
    *("produce", "fetch", "commit offsets", "list offsets", "heartbeat", "metadata"),
    *("commitTransaction", "find", "insert", "update"),
)
"""Those of a cycle and of its reader."""

REMAKES = (Blow.REMADE, Blow.PARTITIONS)
"""After them less is promised."""

SELDOM = (Blow.ELECTION, Blow.DAMAGED, Blow.FORGED)
"""Those that few histories have, and none that remakes."""

SELDOM_RATE = 0.12
"""How many histories have one of them."""

WHICH = 1 << 12
"""Numbers to choose by, for those that choose several times."""

MOVES = (Blow.KILL, Blow.PAUSE, Blow.STOP, Blow.JOIN)
"""What moves partitions from one process to another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """One operation that meets one of these fates again and again, and how often partitions move meanwhile."""

    operation: str
    fates: Sequence[str]
    moves: Sequence[int] = (0,)
    most: float = 0.4
    """How likely it is for each call, at most."""


FOCUSES = (
    # Late records of one whose partitions others have by then.
    Focus(operation="produce", fates=("late", "frozen"), moves=(1, 2, 3)),
    Focus(
        operation="commitTransaction", fates=("frozen", "late", "lost"), moves=(0, 1, 2), most=0.2
    ),
    # What is published again while the next is decided.
    Focus(operation="produce", fates=("refused", "lost", "never", "late"), moves=(0, 1)),
    Focus(operation="insert", fates=("refused", "lost", "never", "unforeseen")),
    Focus(operation="find", fates=("refused", "unforeseen", "frozen"), most=0.1),
    # One topic's records before another's.
    Focus(operation="fetch", fates=("late",)),
    Focus(operation="fetch", fates=("late", "refused", "lost"), moves=(0, 1, 2), most=0.2),
)


@dataclass(frozen=True, slots=True)
class Troubles:
    """What goes wrong."""

    rates: Rates
    disturbances: tuple[Disturbance, ...]

    @property
    def is_focused(self) -> bool:
        """Whether it is always the same that goes wrong."""
        return bool(self.rates.on)


def troubles(random: Random, busy_s: float, *, remakes: bool) -> Troubles:
    """Return what goes wrong within *busy_s*: something does, always."""
    if random.random() < FOCUSED:
        rates, blows = _focused(random)
    else:
        rates, blows = _rates(random), _blows(random)
    if remakes:
        blows.append(random.choice(REMAKES))
    elif not blows and not rates.total:
        blows = [Blow.KILL]
    return Troubles(
        rates,
        tuple(
            Disturbance(
                blow=blow,
                at_s=random.uniform(0, busy_s if not rates.on else busy_s / 2),
                lasts_s=random.choice((0.05, 0.5, 2.0, 4.0, 8.0)),
                which=random.randrange(16),
            )
            for blow in blows
        ),
    )


def seldom(random: Random, busy_s: float) -> tuple[Disturbance, ...]:
    """Return what else happens within *busy_s*: in most histories nothing."""
    if random.random() >= SELDOM_RATE:
        return ()
    return (
        Disturbance(
            blow=random.choice(SELDOM),
            at_s=random.uniform(0, busy_s * 2 / 3),  # so that something comes behind it
            lasts_s=random.choice((0.05, 0.5, 4.0, 4.5, 5.0)),
            which=random.randrange(WHICH),
        ),
    )


def _blows(random: Random) -> list[Blow]:
    kinds = [one for one in Blow if one not in REMAKES and one not in SELDOM]
    return [random.choice(kinds) for _ in range(random.choice((0, 1, 1, 2, 3)))]


def _focused(random: Random) -> tuple[Rates, list[Blow]]:
    focus = random.choice(
        [*FOCUSES, Focus(operation=random.choice(OPERATIONS), fates=FATES, moves=(0, 0, 1))]
    )
    rate = random.uniform(0.05, focus.most)
    rates = Rates(on=focus.operation, **{random.choice(focus.fates): rate})
    return rates, [random.choice(MOVES) for _ in range(random.choice(focus.moves))]


def _rates(random: Random) -> Rates:
    """Return how likely each fate is: in most histories only some are."""

    def drawn(most: float = 0.03) -> float:
        return random.choice((0.0, 0.0, 1.0)) * random.uniform(0, most)

    return Rates(
        refused=drawn(),
        lost=drawn(),
        late=drawn(),
        never=drawn(0.005),
        unforeseen=drawn(0.005),
        killed=drawn(0.005),
        frozen=drawn(0.005),
    )
