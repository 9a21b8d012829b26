"""Two transactions at once end on the simulated server as they do on the real one, in every order."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any

import pymongo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devstack.choose import Chosen
from storage.mongo.documents.accounts import Document
from storage.mongo.schema import ENTRIES
from tests.simulation.mongo.sides import (
    PATIENCE_S,
    RealSide,
    SimulatedSide,
    Step,
    both,
    compare,
    plainly,
    read_all,
)

pytestmark = pytest.mark.mongo

EXAMPLES = 150
"""Random sequences: each takes some ten commands of the real server."""

THERE: list[Document] = [
    {"_id": "k1", "username": "u", "sequence": 1, "n": 0},
    {"_id": "k2", "username": "u", "sequence": 2, "n": 0},
    {"_id": "k3", "username": "u", "n": 0},
]
CLEAN: Sequence[Step] = (
    plainly({"delete": "c", "deletes": [{"q": {}, "limit": 0}]}),
    plainly({"insert": "c", "documents": THERE}),
)


@pytest.fixture(scope="module")
def sides(stack: Chosen) -> Iterator[tuple[SimulatedSide, RealSide]]:
    """Yield both servers, with a collection of outcomes."""
    with pymongo.MongoClient[Document](stack.addresses.mongodb) as client, both(client) as pair:
        compare(pair, [plainly({"createIndexes": "c", "indexes": [ENTRIES]})])
        yield pair


def insert(identifier: str, **more: Any) -> Document:
    return {"insert": "c", "documents": [{"_id": identifier, **more}]}


def update(identifier: str, change: Any, **more: Any) -> Document:
    return {"update": "c", "updates": [{"q": {"_id": identifier}, "u": change, **more}]}


def delete(identifier: str) -> Document:
    return {"delete": "c", "deletes": [{"q": {"_id": identifier}, "limit": 1}]}


def find(**query: Any) -> Document:
    return {"find": "c", "filter": query}


OPERATIONS: dict[str, Document] = {
    "insert the same": insert("new"),
    "insert another of that place": insert("x", username="u", sequence=9),
    "insert one more of that place": insert("y", username="u", sequence=9),
    "insert at a place that is taken": insert("z", username="u", sequence=1),
    "count on": update("k1", {"$inc": {"n": 1}}),
    "change nothing": update("k1", {"$inc": {"n": 0}}),
    "replace": update("k1", {"_id": "k1", "username": "u", "sequence": 1, "m": 1}),
    "make or count on": update("new", {"$inc": {"n": 1}}, upsert=True),
    "move away": update("k1", {"$set": {"sequence": 9}}),
    "take the place": update("k3", {"$set": {"sequence": 1}}),
    "delete": delete("k1"),
    "insert what was deleted": insert("k1", username="u", sequence=1),
    "read": find(_id="k1"),
    "update what nobody has": update("nobody", {"$set": {"n": 1}}),
}


def orders(one: Sequence[Step], other: Sequence[Step]) -> Iterator[list[Step]]:
    """Yield every way in which the steps of two can follow each other."""
    total = len(one) + len(other)
    for places in combinations(range(total), len(one)):
        mine, theirs = iter(one), iter(other)
        yield [next(mine) if place in places else next(theirs) for place in range(total)]


@pytest.mark.parametrize("first", OPERATIONS)
def test_each_pair_of_operations_in_every_order(
    sides: tuple[SimulatedSide, RealSide], first: str
) -> None:
    for second, end in product(OPERATIONS, ("commit", "abort")):
        one: list[Step] = [("a", OPERATIONS[first]), ("a", end)]
        if end == "commit":
            one.insert(0, ("a", find(_id="k2")))  # from then on it sees nothing that is new
            one.insert(2, ("a", find(_id={"$in": ["k1", "k3", "new"]})))
        other: list[Step] = [("b", OPERATIONS[second]), ("b", "commit")]
        for steps in orders(one, other):
            in_turn(sides, steps)


def in_turn(sides: tuple[SimulatedSide, RealSide], steps: Sequence[Step]) -> None:
    """Have both sides do it with two sessions of their own."""
    compare(sides, CLEAN)
    for side in sides:
        for session in ("a", "b"):
            if session in side.sessions:
                side.say(session, "begin")
    try:
        compare(sides, [*steps, *read_all("c")])
    finally:
        for side in sides:
            for session in ("a", "b"):
                side.say(session, "abort")


def upsert(identifier: str, change: Any, *, is_upsert: bool) -> Document:
    return {"q": {"_id": identifier}, "u": change, "upsert": is_upsert}


def updates(*statements: Document) -> Document:
    return {"update": "c", "updates": list(statements)}


def insert_at(identifier: str, found: Document) -> Document:
    return insert(identifier, **found)


def place(username: str, sequence: int | None) -> Document:
    found: Document = {"username": username}
    return found if sequence is None else {**found, "sequence": sequence}


IDS = st.sampled_from(["k1", "k2", "k3", "new"])
PLACES = st.builds(place, st.sampled_from(["u", "v"]), st.none() | st.integers(1, 3))
CHANGES: st.SearchStrategy[Any] = st.one_of(
    PLACES.map(lambda found: {"$set": found}),
    st.just({"$inc": {"n": 1}}),
    st.just({"$unset": {"sequence": ""}}),
    st.just([{"$set": {"n": {"$add": [{"$ifNull": ["$n", 0]}, 1]}}}]),
    PLACES,
)
STATEMENTS = st.lists(
    st.builds(upsert, IDS, CHANGES, is_upsert=st.booleans()), min_size=1, max_size=3
)
COMMANDS: st.SearchStrategy[Document] = st.one_of(
    st.builds(insert_at, IDS, PLACES),
    STATEMENTS.map(lambda each: updates(*each)),
    PLACES.map(lambda found: updates({"q": found, "u": {"$inc": {"n": 1}}})),
    IDS.map(delete),
    st.just({"delete": "c", "deletes": [{"q": {"username": "u"}, "limit": 0}]}),
    st.lists(IDS, min_size=1, max_size=3).map(lambda each: find(_id={"$in": each})),
    PLACES.map(lambda found: {**find(**found), "sort": {"_id": 1}}),
)
OUTSIDE: st.SearchStrategy[Document] = st.sampled_from(["majority", "snapshot"]).map(
    lambda level: {"find": "c", "sort": {"_id": 1}, "readConcern": {"level": level}}
)
SESSIONS = st.sampled_from(["a", "b"])
WITHIN: st.SearchStrategy[Step] = st.tuples(SESSIONS, COMMANDS)
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        *[WITHIN] * 3,
        st.tuples(SESSIONS, st.just("commit")),
        st.tuples(st.just("-"), OUTSIDE),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_two_transactions_do(
    sides: tuple[SimulatedSide, RealSide], steps: list[Step]
) -> None:
    in_turn(sides, list(going_on(steps)))


def going_on(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield *steps*, where each session begins anew once it has committed."""
    over = set[str]()
    for who, what in steps:
        if who in over and what != "commit":
            yield who, "begin"
            over.discard(who)
        if what == "commit":
            over.add(who)
        yield who, what


WAITING = update("k1", {"$inc": {"n": 1}})
HURRY_S = 0.3
"""Short enough for a test, long enough for a server that answers."""


@pytest.mark.parametrize("end", ["commit", "abort"])
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_write_outside_waits_for_an_open_transaction(
    sides: tuple[SimulatedSide, RealSide], name: str, end: str
) -> None:
    compare(sides, CLEAN)
    for side in sides:
        side.say("c", "begin")
        side.patience_s = HURRY_S

    try:
        writing = [step for command in (WAITING, insert("new")) for step in [plainly(command)]]
        compare(sides, [("c", OPERATIONS[name]), *writing, ("c", end), *writing, *read_all("c")])
    finally:
        for side in sides:
            side.patience_s = PATIENCE_S
            side.say("c", "abort")
