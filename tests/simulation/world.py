"""Everything of one run: servers, processes and whoever starts them again, and the people outside."""

from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cache
from random import Random

from contracts.topics import TOPICS
from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.schema import prepare
from tests.simulation.checker.evidence import PREFIX, Struck
from tests.simulation.clocks import EPOCH, SimulatedClock, Wrong
from tests.simulation.fates import Schedule, SeededFates
from tests.simulation.flaws import Flaws
from tests.simulation.history import History
from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.loop import VirtualLoop
from tests.simulation.mongo.databases import Databases
from tests.simulation.mongo.driver import connecting
from tests.simulation.mongo.server import MongoServer
from tests.simulation.network import OUTSIDE, PROCESS, Call, Fate, Network
from tests.simulation.processes import OPTIONS, Process, Servers, settings
from tests.simulation.redis.server import RedisServer
from workers.bootstrap.app import END_MARGIN_S
from workers.config.roles import Role

AGAIN_S = (0.2, 3.0)
"""How long whoever runs the workers takes to start one again."""

STOP_S = OPTIONS.shutdown_timeout_ms / 1000 + END_MARGIN_S
"""How long a process that was asked to stop may take."""


@dataclass(slots=True)
class Slot:
    """A place that a process runs in; one that ended is followed by the next."""

    name: str
    roles: frozenset[Role]
    wanted: bool = True
    number: int = 0
    process: Process | None = None
    is_running: bool = False

    @property
    def current(self) -> str:
        """The name of the process that runs in it."""
        return f"{self.name}/{self.number}"


@dataclass(slots=True)
class World:
    """One run's, and nobody else's."""

    history: History
    schedule: Schedule
    random: Random = field(init=False)
    loop: VirtualLoop = field(init=False)
    clock: SimulatedClock = field(init=False)
    fates: SeededFates = field(init=False)
    servers: Servers = field(init=False)
    flaws: Flaws = field(init=False)
    slots: dict[str, Slot] = field(default_factory=dict[str, Slot])
    struck: Struck | None = None
    """The document that somebody has changed in the store."""

    def __post_init__(self) -> None:
        """Make the servers; nobody runs yet."""
        self.flaws = Flaws(self.history)
        seed = self.history.seed
        self.random = Random(f"world {seed}")
        self.loop = VirtualLoop(Random(f"order {seed}"))
        self.clock = SimulatedClock(self.loop, Random(f"names {seed}"))
        self.fates = SeededFates(seed, self.history.rates, self.schedule)
        self.fates.clock = self.loop.time
        network = Network(self.fates)
        network.kill = self.kill
        network.freeze = self.freeze
        mongo = MongoServer(self.now_s)
        mongo.databases = _prepared().copy()
        kafka = SimulatedKafka(
            network,
            self.now_s,
            Random(f"kafka {seed}"),
            brokers=self.history.brokers,
            tick=mongo.databases.tick,
        )
        for spec in TOPICS:
            kafka.create_topic(PREFIX + spec.name, self.history.partitions, spec.config())
        self.servers = Servers(network, kafka, mongo, RedisServer(self.now_s))

    def now_s(self) -> float:
        """Return the true time, in seconds since 1970: the servers' own."""
        return EPOCH.timestamp() + self.loop.time()

    def say(self, text: str) -> None:
        """Write into the schedule what is no call."""
        self.schedule.said(self.loop.time(), text)

    def calm(self) -> None:
        """Let nothing go wrong any more, and everybody go on."""
        self.say("all is calm")
        self.fates.calm = True
        self.fates.away_until_s.clear()
        self.servers.mongo.after_commit = None
        self.loop.release()

    # -- processes

    def add(self, name: str, roles: frozenset[Role]) -> Slot:
        """Start a process in a slot of its own, and start it again whenever it ends."""
        slot = self.slots[name] = Slot(name, roles)
        self._start(slot)
        return slot

    def kill(self, process: str) -> None:
        """End a process at once; its slot has another one a little later."""
        slot = self.slots[process.partition("/")[0]]
        if self.loop.is_dead(process) or slot.current != process or not slot.is_running:
            self.loop.kill(process)
            return
        self.say(f"{process} is killed")
        self.loop.kill(process)
        self._ended(slot)

    def freeze(self, process: str, seconds: float) -> None:
        """Let a process stand still."""
        self.say(f"{process} stands still for {seconds:.2f} s")
        self.loop.pause(process, self.loop.time() + seconds)

    def stop(self, slot: Slot) -> None:
        """Ask the slot's process to end cleanly."""
        if slot.process is not None and slot.is_running:
            self.say(f"{slot.current} is asked to stop")
            slot.process.stop()
            self.loop.call_later(STOP_S, self._end_hard, slot.current, context=OUTSIDE)

    def _end_hard(self, process: str) -> None:
        """End what did not end by itself, as the timer in `workers.bootstrap.app` does."""
        slot = self.slots[process.partition("/")[0]]
        if slot.current == process and slot.is_running:
            self.kill(process)

    def revive(self, slot: Slot) -> None:
        """Start a process in a slot that nobody runs in."""
        self._start_again(slot)

    def _start(self, slot: Slot) -> None:
        slot.number += 1
        slot.is_running = True
        name = slot.current
        self.clock.wrong[name] = self.history.clocks.get(slot.name, Wrong())
        context = copy_context()
        context.run(PROCESS.set, name)
        self.say(f"{name} starts")
        self.loop.create_task(self._run(slot, name), context=context)

    async def _run(self, slot: Slot, name: str) -> None:
        slot.process = Process(
            self.servers, settings(self.history.partitions), slot.roles, self.flaws
        )
        try:
            reason = await slot.process.run()
        except Exception as error:  # noqa: BLE001 - as an interpreter that ends with a traceback
            reason = f"it ended with {error!r}"
        self.say(f"{name} ends: {reason}")
        self.loop.call_soon(self._exit, slot, name, context=OUTSIDE)

    def _exit(self, slot: Slot, name: str) -> None:
        """Let nothing of a process go on that has ended, as an exit does."""
        self.loop.kill(name)
        if slot.current == name and slot.is_running:
            self._ended(slot)

    def _ended(self, slot: Slot) -> None:
        slot.is_running = False
        slot.process = None
        delay_s = self.random.uniform(*AGAIN_S)
        self.loop.call_later(delay_s, self._start_again, slot, context=OUTSIDE)

    def _start_again(self, slot: Slot) -> None:
        if slot.wanted and not slot.is_running:
            self._start(slot)


class _Always:
    """Fates while the database is made: all is well."""

    def of(self, process: str, call: Call) -> Fate:
        """Return the ordinary one."""
        del process, call
        return Fate()


@cache
def _prepared() -> Databases:
    """Return a database in which every collection and index is: as `accounts` makes it."""
    loop = VirtualLoop(Random(0))
    server = MongoServer(lambda: EPOCH.timestamp() + loop.time())
    options = MongoOptions(uri="mongodb://simulated/", database="accounts")
    network = Network(_Always())

    async def make() -> None:
        await prepare(MongoClient(options, connect=connecting(server, network)))

    loop.run_until_complete(make())
    loop.end()
    return server.copy()
