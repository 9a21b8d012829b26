"""What happens to the store itself: another primary, a document that is damaged, a balance raised by hand."""

import asyncio
from collections.abc import Callable
from typing import Any

from bson.int64 import Int64

from tests.simulation.checker.evidence import Struck
from tests.simulation.history import Blow, Disturbance
from tests.simulation.mongo.collections import NOW, StoredCollection
from tests.simulation.mongo.refusals import ConflictError
from tests.simulation.mongo.versions import Record, Version
from tests.simulation.processes import Servers, settings
from tests.simulation.world import World

Change = Callable[[StoredCollection, Version, int], dict[str, Any]]
"""Returns what is to stand in a document's place, chosen by a number."""

LOOK_S = 0.02
"""Until it is tried again, where there is nothing yet or somebody is writing it."""

CUT_OFF = 0.9
"""For how much of an election nobody can be reached; then somebody can be, and is not primary."""

FORGETTING_S = 2 * settings(1).mongodb_timeout_ms / 1000
"""How long an election takes at least after which sessions are forgotten.

Of what was committed a new primary knows, unless it heard too long ago. The driver asks again by itself
for one timeout, silently, and would take what is forgotten for what was never committed.
"""

DECIDED = 3
"""Documents and keys that a decision writes at least; a process that says that it runs writes fewer."""

RAISED_MINOR = 1_000_000
"""Much beside whatever is moved."""

UNTOUCHED = ("_id", "schema", "profile")
"""Without a schema number it is of the first; and a profile decides nothing, so no MAC covers it."""

DECISIVE = ("username", "type", "fingerprint", "source", "entry", "decided_at")
"""Of an outcome: all else may lack."""


def elect(world: World, one: Disturbance) -> None:
    """Have MongoDB fail over: at once, or as soon as something is committed, and before that is answered."""
    server, fates = world.servers.mongo, world.fates

    def fail_over() -> None:
        world.say(f"MongoDB fails over, for {one.lasts_s} s")
        server.elect(world.now_s() + one.lasts_s, forgets=one.lasts_s >= FORGETTING_S)
        fates.away_until_s["mongodb"] = world.loop.time() + CUT_OFF * one.lasts_s

    def committed(written: int) -> None:
        if written >= DECIDED:
            server.after_commit = None
            fail_over()

    if one.which % 4:
        server.after_commit = committed
    else:
        fail_over()


async def damage(world: World, one: Disturbance) -> None:
    """Damage one document, as soon as there is any, while others go on."""
    if one.which % 2:
        await _strike(world, one, "outcomes", _damaging(lambda name: name in DECISIVE))
    else:
        await _strike(world, one, "accounts", _damaging(lambda name: name not in UNTOUCHED))


async def forge(world: World, one: Disturbance) -> None:
    """Raise somebody's balance, as who can write to MongoDB and has no key."""
    await _strike(world, one, "accounts", _forged)


async def _strike(world: World, one: Disturbance, name: str, change: Change) -> None:
    while not world.fates.calm and world.struck is None:
        world.struck = _struck(world.servers, one, name, change)
        if world.struck is not None:
            world.say(f"{name} {world.struck.id} is changed")
            return
        await asyncio.sleep(LOOK_S)


def _struck(servers: Servers, one: Disturbance, name: str, change: Change) -> Struck | None:
    """Change the document of that number, if it is there and nobody is writing it."""
    database = servers.mongo.databases
    collection = database.of("accounts").get(name)
    there: list[tuple[Record, Version]] = []
    for record in () if collection is None else collection.records():
        version = record.seen(None, None)
        if version is not None:
            there.append((record, version))
    if collection is None or not there:
        return None
    number = one.which // 2
    record, version = there[number % len(there)]
    try:
        collection.replace(record, version, change(collection, version, number // len(there)), NOW)
    except ConflictError:
        return None
    identifier: str = record.id
    return Struck(
        username=identifier.partition(":")[0],
        is_forged=one.blow is Blow.FORGED,
        collection=name,
        id=identifier,
        number=database.moment,
    )


def _damaging(may: Callable[[str], bool]) -> Change:
    """Have one of the fields that *may* be struck missing, or of a type that none of them has."""

    def damaged(_: StoredCollection, version: Version, number: int) -> dict[str, Any]:
        document = dict(version.copied())
        names = [name for name in document if may(name)]
        name = names[number // 2 % len(names)]
        if number % 2:
            del document[name]
        else:
            document[name] = 0.5
        return document

    return damaged


def _forged(collection: StoredCollection, version: Version, number: int) -> dict[str, Any]:
    document = dict(version.copied())
    balances: list[dict[str, Any]] = [dict(each) for each in document["balances"]]
    if not balances:
        balances = [
            {"currency": "USD", "scale": 2, "posted_minor": Int64(0), "held_minor": Int64(0)}
        ]
    raised = balances[number // 3 % len(balances)]
    raised["posted_minor"] = Int64(RAISED_MINOR + int(str(raised["posted_minor"])))
    document["balances"] = balances
    others = [each.document for each in collection.everything()]
    other = next((each for each in others if each["_id"] != document["_id"]), None)
    if number % 3 == 1:
        del document["mac"]
    elif number % 3 == 2 and other is not None:
        document["mac"] = other["mac"]
    return document
