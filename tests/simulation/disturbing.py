"""What happens to processes and servers while a history runs, and how all of it ends."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from contracts.topics import INPUTS, TOPICS
from tests.simulation.history import Blow, Disturbance
from tests.simulation.outside import Outside
from tests.simulation.striking import damage, elect, forge
from tests.simulation.world import PREFIX, Slot, World

SERVERS = {
    Blow.KAFKA_AWAY: "kafka",
    Blow.MONGODB_AWAY: "mongodb",
    Blow.REDIS_AWAY: "redis",
}


class Disturbing:
    """Lets disturbances happen, each at its time."""

    def __init__(self, world: World, outside: Outside) -> None:
        self._world = world
        self._outside = outside

    async def happen(self, one: Disturbance) -> None:
        """Wait for its time, and let it happen."""
        await asyncio.sleep(one.at_s)
        self._world.say(f"{one.blow.value}, for {one.lasts_s} s")
        server = SERVERS.get(one.blow)
        if server is not None:
            self._away(server, one.lasts_s)
            return
        await _DONE[one.blow](self, one)

    def _away(self, server: str, lasts_s: float) -> None:
        until_s = self._world.loop.time() + lasts_s
        self._world.fates.away_until_s[server] = until_s
        if server == "kafka":
            self._outside.away_until_s = until_s

    def _slot(self, one: Disturbance) -> Slot:
        slots = [*self._world.slots.values()]
        return slots[one.which % len(slots)]

    async def kill(self, one: Disturbance) -> None:
        """End a process at once."""
        slot = self._slot(one)
        if slot.is_running:
            self._world.kill(slot.current)

    async def pause(self, one: Disturbance) -> None:
        """Let a process stand still."""
        slot = self._slot(one)
        if slot.is_running:
            self._world.freeze(slot.current, one.lasts_s)

    async def stop(self, one: Disturbance) -> None:
        """Ask a process to end."""
        self._world.stop(self._slot(one))

    async def join(self, one: Disturbance) -> None:
        """Have one more process come and go."""
        world = self._world
        slot = world.add(f"visitor-{len(world.slots)}", world.history.roles)
        await asyncio.sleep(one.lasts_s)
        slot.wanted = False
        world.stop(slot)

    async def reset(self, one: Disturbance) -> None:
        """Set every offset to zero: operators do that with all members of the groups stopped."""
        slots = [slot for slot in self._world.slots.values() if slot.is_running]
        for slot in slots:
            slot.wanted = False
            self._world.kill(slot.current)
        for group in self._world.servers.kafka.groups.values():
            group.offsets = {place: (0, said) for place, (_, said) in group.offsets.items()}
        await asyncio.sleep(min(one.lasts_s, 1.0))
        for slot in slots:
            slot.wanted = True
            self._world.revive(slot)

    async def flush(self, one: Disturbance) -> None:
        """Have Redis come back with nothing."""
        del one
        self._world.servers.redis.restart()

    async def partitions(self, one: Disturbance) -> None:
        """Add a partition to every topic."""
        del one
        kafka = self._world.servers.kafka
        for spec in TOPICS:
            kafka.add_partitions(PREFIX + spec.name, self._world.history.partitions + 1)

    async def remake(self, one: Disturbance) -> None:
        """Delete a topic and make it again."""
        inputs = [spec for spec in TOPICS if spec.kind in INPUTS]
        spec = inputs[one.which % len(inputs)]
        kafka = self._world.servers.kafka
        kafka.delete_topic(PREFIX + spec.name, offsets_stay=one.which % 2 == 0)
        kafka.create_topic(PREFIX + spec.name, self._world.history.partitions, spec.config())

    async def elect(self, one: Disturbance) -> None:
        """Have MongoDB fail over."""
        elect(self._world, one)

    async def damage(self, one: Disturbance) -> None:
        """Damage a document."""
        await damage(self._world, one)

    async def forge(self, one: Disturbance) -> None:
        """Raise a balance by hand."""
        await forge(self._world, one)


_DONE: Mapping[Blow, Callable[[Disturbing, Disturbance], Coroutine[Any, Any, None]]] = {
    Blow.KILL: Disturbing.kill,
    Blow.PAUSE: Disturbing.pause,
    Blow.STOP: Disturbing.stop,
    Blow.JOIN: Disturbing.join,
    Blow.RESET: Disturbing.reset,
    Blow.REDIS_FLUSHED: Disturbing.flush,
    Blow.PARTITIONS: Disturbing.partitions,
    Blow.REMADE: Disturbing.remake,
    Blow.ELECTION: Disturbing.elect,
    Blow.DAMAGED: Disturbing.damage,
    Blow.FORGED: Disturbing.forge,
}
