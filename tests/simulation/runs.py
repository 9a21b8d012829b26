"""One history from its beginning until all is calm and everything is checked."""

import asyncio
import gc
import logging
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.simulation.checker.addresses import check_addresses
from tests.simulation.checker.answers import check_answers
from tests.simulation.checker.books import check_books
from tests.simulation.checker.commits import check_commits
from tests.simulation.checker.credentials import check_credentials
from tests.simulation.checker.entries import check_entries
from tests.simulation.checker.evidence import Calm
from tests.simulation.checker.expiry import check_expiry
from tests.simulation.checker.flaws import check_flaws
from tests.simulation.checker.gathering import evidence_of
from tests.simulation.checker.late_states import check_late_states, check_signing_off
from tests.simulation.checker.moments import check_moments
from tests.simulation.checker.order import check_order
from tests.simulation.checker.repeats import check_repeats
from tests.simulation.checker.sessions import check_sessions
from tests.simulation.checker.struck import check_struck, unless_struck
from tests.simulation.disturbing import Disturbing
from tests.simulation.fates import Place, Schedule
from tests.simulation.history import History
from tests.simulation.loop import StuckError
from tests.simulation.network import Fate, Said
from tests.simulation.outside import Outside
from tests.simulation.processes import OPTIONS, settings, sweep_once
from tests.simulation.world import PREFIX, World
from workers.clock import told_by

STILL_WILD_S = 1.5
"""How long calls still go wrong behind the last sender's pause; then nothing does any more."""

CALM_MAX_S = 240.0
"""How long it may then take until everything is answered: several sessions, sweeps and patiences."""

LOOK_S = 0.25

REPEATED = 3
"""Records that are sent once more when all is calm and answered."""

CHECKS = (
    check_answers,
    check_entries,
    check_order,
    check_credentials,
    check_commits,
    check_moments,
    check_sessions,
    check_late_states,
    check_signing_off,
    check_expiry,
    check_addresses,
    check_flaws,
    check_repeats,
    check_struck,
)


@dataclass(slots=True)
class Report:
    """What came of one run."""

    history: History
    violations: list[str]
    schedule: Schedule
    steps: int
    virtual_s: float
    counts: Counter[str] = field(default_factory=Counter[str])

    @property
    def digest(self) -> str:
        """The same for the same seed and commit."""
        return self.schedule.digest


def run(
    history: History,
    *,
    script: Mapping[Place, Fate] | None = None,
    lines: list[str] | None = None,
    places: dict[Place, int] | None = None,
) -> Report:
    """Run *history*; by a *script* nothing goes wrong but what it says.

    Every call's place is put into *places*, and what happens into *lines*.
    """
    world = World(history, Schedule(lines=lines, places=places))
    world.fates.script = script
    violations: list[str] = []
    with told_by(world.clock), _quiet():
        try:
            world.loop.run_until_complete(_lived(world, violations))
        except StuckError as error:
            violations.append(f"P4: the run hangs: {error}")
        except Exception as error:  # noqa: BLE001 - the other seeds go on
            violations.append(f"simulator: {error!r}")
        report = Report(
            history=history,
            violations=violations,
            schedule=world.schedule,
            steps=world.loop.steps,
            virtual_s=world.loop.time(),
        )
        for violation in violations:
            world.say(violation)
        world.loop.end()
    return report


@contextmanager
def _quiet() -> Generator[None]:
    """Say nothing of what is dropped in its middle, and collect no garbage at some moment."""
    before, collects = sys.unraisablehook, gc.isenabled()
    logged = logging.root.manager.disable
    sys.unraisablehook = lambda _: None
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        yield
    finally:
        sys.unraisablehook = before
        logging.disable(logged)
        if collects:
            gc.enable()


async def _lived(world: World, violations: list[str]) -> None:
    history = world.history
    random = Random(f"outside {history.seed}")
    kafka = world.servers.kafka
    outside = Outside(kafka, PREFIX, random, reply_topics=history.reply_topics)
    for number in range(1, history.workers + 1):
        world.add(f"worker-{number}", history.roles)
    following = asyncio.create_task(outside.answers.follow())
    senders = [asyncio.create_task(outside.send_all(sender)) for sender in history.senders]
    disturbing = Disturbing(world, outside)
    blows = [asyncio.create_task(disturbing.happen(one)) for one in history.disturbances]
    await asyncio.sleep(history.busy_s + STILL_WILD_S if history.rates.total or blows else 0.0)
    world.calm()
    outside.away_until_s = 0.0
    await asyncio.gather(*senders, *blows)
    following.cancel()
    unread = await _all_read(world)
    repeated_at = kafka.tick()
    outside.repeat(REPEATED)
    unread = unread or await _all_read(world)
    calm = _calm_of(world, repeated_at)
    await _put_away(world)
    evidence = evidence_of(world, outside, unread, calm)
    found = [each for check in CHECKS for each in check(evidence)]
    violations += unless_struck(evidence.struck, found)
    violations += await check_books(world.servers, evidence.struck)
    violations += [f"P7: {each}" for each in world.loop.failures if "Assertion" in each]


def _calm_of(world: World, repeated_at: int) -> Calm:
    """Return what is so now that all is answered."""
    kafka = world.servers.kafka
    struck = world.schedule.struck
    return Calm(
        repeated_at=repeated_at,
        swept_from=kafka.tick(),
        at_s=world.now_s(),
        running=[slot.current for slot in world.slots.values() if slot.is_running],
        met_unforeseen=any(fate.said is Said.UNFORESEEN for fate in struck.values()),
        struck=len(struck),
        generations=kafka.group(OPTIONS.group).generation,
    )


async def _all_read(world: World) -> list[str]:
    """Wait until everything is committed; return what is not after all that time."""
    deadline_s = world.loop.time() + CALM_MAX_S
    while unread := [*_unread(world)]:
        if world.loop.time() > deadline_s:
            return unread
        await asyncio.sleep(LOOK_S)
    return []


def _unread(world: World) -> Iterator[str]:
    kafka = world.servers.kafka
    for slot in world.slots.values():
        for member in slot.process.members if slot.process is not None else ():
            subscription = member.subscription
            offsets = kafka.group(subscription.group).offsets
            for topic in subscription.topics:
                for number, log in enumerate(kafka.topics[topic].logs):
                    committed = offsets.get((topic, number), (0, ""))[0]
                    if committed < log.end:
                        yield f"{topic}-{number} is committed up to {committed} of {log.end}"
    if not any(slot.process and slot.process.members for slot in world.slots.values()):
        yield "no process runs"


async def _put_away(world: World) -> None:
    """Stop the workers cleanly, and have a housekeeper sweep over everything once."""
    for slot in world.slots.values():
        slot.wanted = False
        world.stop(slot)
    while any(slot.is_running for slot in world.slots.values()):  # noqa: ASYNC110 - virtual time
        await asyncio.sleep(LOOK_S)
    await sweep_once(world.servers, settings(world.history.partitions))
