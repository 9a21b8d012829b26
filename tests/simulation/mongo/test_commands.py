"""The simulated server answers each command as the real one does."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pymongo
import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64

from devstack.choose import Chosen
from storage.mongo.client import MAJORITY
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.totals import adding
from storage.mongo.schema import ENTRIES, INDEXES
from tests.simulation.mongo.sides import RealSide, SimulatedSide, both, compare, plainly, read_all

pytestmark = pytest.mark.mongo

LARGE = 2**62
SNAPSHOT: Document = {"level": "snapshot"}
SOME: list[Document] = [
    {"_id": "a", "n": 1, "x": [1, 2], "s": {"t": 1}},
    {"_id": "b", "n": Int64(2), "x": [], "s": {"t": None}},
    {"_id": "c", "n": 2.5, "x": 3, "s": {}},
    {"_id": "d", "n": Decimal128("3"), "x": None, "s": [{"t": 1}, {"t": 2}]},
    {"_id": "e", "n": "text", "at": datetime(2030, 1, 1, tzinfo=UTC), "b": b"bytes"},
    {"_id": "f", "n": True, "sequence": 3, "username": "alice"},
    {"_id": "g", "n": LARGE, "sequence": [4], "username": "alice"},
    {"_id": "h"},
]


@pytest.fixture
def sides(stack: Chosen) -> Iterator[tuple[SimulatedSide, RealSide]]:
    """Yield both servers, with some documents in them."""
    with pymongo.MongoClient[Document](stack.addresses.mongodb) as client, both(client) as pair:
        compare(pair, [plainly({"insert": "c", "documents": SOME})])
        yield pair


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"_id": "a"},
        {"_id": {"$in": ["h", "b", "nobody", "a", "b"]}},
        {"_id": {"$gt": "b", "$lte": "e"}},
        {"n": 1},
        {"n": 1.0},
        {"n": {"$gt": 1}},
        {"n": {"$gte": Decimal128("2")}},
        {"n": {"$lt": Int64(3)}},
        {"n": {"$in": [2, "text", None]}},
        {"n": None},
        {"n": {"$exists": False}},
        {"n": {"$exists": True, "$ne": 1}},
        {"n": {"$ne": "text"}},
        {"n": {"$not": {"$gt": 1}}},
        {"n": {"$type": "long"}},
        {"n": {"$type": ["int", "decimal"]}},
        {"n": {"$gt": "a"}},
        {"n": {"$nin": [1, None]}},
        {"x": 1},
        {"x": [1, 2]},
        {"x": []},
        {"x": {"$gt": 1}},
        {"x": {"$in": [3, [1, 2]]}},
        {"s.t": 1},
        {"s.t": None},
        {"s.t": {"$exists": True}},
        {"s": {"t": 1}},
        {"s.0.t": 1},
        {"sequence": {"$gt": 0}},
        {"$or": [{"_id": "a"}, {"n": {"$gt": 100}}]},
        {"$and": [{"n": {"$gt": 1}}, {"n": {"$lt": 3}}]},
        {"$nor": [{"n": 1}, {"_id": "h"}]},
        {"at": {"$lt": datetime(2031, 1, 1, tzinfo=UTC)}},
        {"b": b"bytes"},
        {"$expr": {"$in": [{"$type": "$sequence"}, ["int", "long"]]}},
        {"$expr": {"$eq": ["$n", None]}},
        {"$expr": {"$not": [{"$gt": ["$n", 1]}]}},
    ],
)
def test_a_query(sides: tuple[SimulatedSide, RealSide], query: Document) -> None:
    compare(
        sides,
        [
            ("-", {"find": "c", "filter": query, "sort": {"_id": 1}}),
            ("-", {"count": "c", "query": query}),
            ("x", {"find": "c", "filter": query, "sort": {"_id": -1}}),
        ],
    )


@pytest.mark.parametrize(
    "more",
    [
        {"limit": 2, "batchSize": 2, "singleBatch": True},
        {"batchSize": 2},
        {"batchSize": 8},
        {"batchSize": 9},
        {"limit": 8, "batchSize": 8},
        {"skip": 3, "limit": 2},
        {"projection": {"n": 1}},
        {"projection": {"n": 1, "s": 1, "_id": 0}},
        {"sort": {"n": 1, "_id": -1}},
        {"sort": {"x": -1, "_id": 1}},
        {"sort": {"x": 1, "_id": 1}},
        {"readConcern": SNAPSHOT},
        {"readConcern": MAJORITY},
        {"hint": "nothing"},
        {"filter": {"_id": "a"}, "batchSize": 1},
        {"filter": {"_id": {"$in": ["a"]}}, "batchSize": 1},
    ],
)
def test_a_find(sides: tuple[SimulatedSide, RealSide], more: Document) -> None:
    compare(sides, [("-", {"find": "c", "sort": {"_id": 1}, **more})])


CHANGES: list[Any] = [
    {"$set": {"n": 5}},
    {"$set": {"n": 1}},
    {"$set": {"n": Int64(1)}},
    {"$set": {"z": 1, "b": 2, "s.t": 3, "s.u.v": 4}},
    {"$set": {"x.1": 9}},
    {"$set": {"x.4": 9}},
    {"$set": {"n.m": 1}},
    {"$unset": {"n": "", "s.t": "", "nothing": ""}},
    {"$inc": {"n": 1}},
    {"$inc": {"n": Int64(1)}},
    {"$inc": {"n": 0.5}},
    {"$inc": {"n": Decimal128("0.1")}},
    {"$inc": {"n": LARGE}},
    {"$inc": {"n": 2**31 - 1}},
    {"$inc": {"new": 1, "x.0": 1}},
    {"$inc": {"n": 0}},
    {"$push": {"x": 3}},
    {"$push": {"new": {"a": 1}}},
    {"$set": {"u": 1}, "$setOnInsert": {"only": 1}, "$inc": {"i": 1}},
    {"whole": 1},
    {"_id": "a", "whole": 1},
    {"_id": "other", "whole": 1},
    {},
    [{"$set": {"n": {"$add": ["$n", 1]}, "l": {"$literal": "$n"}}}],
    [{"$set": {"seen": {"$type": "$n"}, "m": {"$ifNull": ["$missing", "none"]}}}],
    [{"$set": {"copy": "$missing", "n": "$s.t"}}],
    [{"$set": {"n": {"$subtract": [Decimal128("10"), "$n"]}}}],
]


@pytest.mark.parametrize("identifier", ["a", "b", "c", "d", "e", "g", "h", "new"])
@pytest.mark.parametrize("upsert", [True, False])
def test_an_update(sides: tuple[SimulatedSide, RealSide], identifier: str, *, upsert: bool) -> None:
    for change in CHANGES:
        statement = {"q": {"_id": identifier}, "u": change, "upsert": upsert}
        compare(sides, [plainly({"update": "c", "updates": [statement]}), *read_all("c")])
        compare(sides, [plainly({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})])
        compare(sides, [plainly({"insert": "c", "documents": SOME})])


def test_an_update_of_many(sides: tuple[SimulatedSide, RealSide]) -> None:
    def several(*updates: Document, **more: Any) -> Document:
        return {"update": "c", "updates": list(updates), **more}

    fine: Document = {"q": {"_id": "a"}, "u": {"$set": {"fine": 1}}}
    wrong: Document = {"q": {"_id": "e"}, "u": {"$inc": {"n": 1}}}
    new: Document = {"q": {"_id": "new", "k": {"$eq": 1}}, "u": {"$inc": {"n": 1}}, "upsert": True}
    compare(
        sides,
        [
            plainly(several(fine, wrong, new)),
            plainly(several(fine, wrong, new, ordered=False)),
            plainly(several(new, fine, fine)),
            plainly(several({"q": {"n": {"$gt": 0}}, "u": {"$inc": {"n": 1}}, "multi": True})),
            plainly(several({"q": {"x": 1, "_id": "z"}, "u": {"x": 2}, "upsert": True})),
            plainly(several({"q": {"_id": "a", "n": 77}, "u": {"x": 2}, "upsert": True})),
            *read_all("c"),
        ],
    )


def test_find_and_modify(sides: tuple[SimulatedSide, RealSide]) -> None:
    def counted(identifier: str, **more: Any) -> Document:
        query, change = {"_id": identifier}, {"$inc": {"n": 1}}
        return {"findAndModify": "c", "query": query, "update": change, "new": True, **more}

    compare(
        sides,
        [
            plainly(counted("a", upsert=True)),
            plainly(counted("new", upsert=True)),
            plainly(counted("new", upsert=True)),
            plainly(counted("nobody")),
            plainly(counted("e", upsert=True)),
            *read_all("c"),
        ],
    )


def test_inserts_and_deletes(sides: tuple[SimulatedSide, RealSide]) -> None:
    def documents(*ids: Any) -> list[Document]:
        return [{"_id": each} for each in ids]

    def deletes(*statements: Document, **more: Any) -> Document:
        return {"delete": "c", "deletes": list(statements), **more}

    compare(
        sides,
        [
            plainly({"insert": "c", "documents": documents("i", "a", "j")}),
            plainly({"insert": "c", "documents": documents("k", "a", "l"), "ordered": False}),
            plainly({"insert": "c", "documents": documents(1, Int64(1), bool(1), Decimal128("1"))}),
            plainly({"insert": "c", "documents": documents([1])}),
            plainly(deletes({"q": {"_id": {"$in": ["k", "nobody"]}}, "limit": 0})),
            plainly(deletes({"q": {"n": {"$gt": 0}}, "limit": 1}, {"q": {"n": 1}, "limit": 0})),
            plainly({"insert": "new", "documents": documents("first")}),
            *read_all("c", "new"),
        ],
    )


def test_indexes(sides: tuple[SimulatedSide, RealSide]) -> None:
    def entry(identifier: str, username: Any, sequence: Any) -> Document:
        return {
            "insert": "c",
            "documents": [{"_id": identifier, "username": username, "sequence": sequence}],
        }

    def sequence(identifier: str, to: Any) -> Document:
        statement: Document = {"q": {"_id": identifier}, "u": {"$set": {"sequence": to}}}
        return {"update": "c", "updates": [statement]}

    unset: Document = {"q": {"_id": "f"}, "u": {"$unset": {"sequence": ""}}}
    compare(
        sides,
        [
            plainly({"createIndexes": "c", "indexes": [ENTRIES]}),
            plainly({"createIndexes": "c", "indexes": [ENTRIES]}),
            ("-", {"listIndexes": "c"}),
            plainly(entry("new", "alice", 3)),
            plainly(entry("new", "alice", 3.0)),
            plainly(entry("new", "alice", 4)),
            plainly(entry("new", "alice", 5)),
            plainly(sequence("new", 3)),
            plainly(sequence("new", 6)),
            plainly(entry("again", "alice", 5)),
            plainly({"update": "c", "updates": [unset]}),
            plainly(sequence("new", 3)),
            plainly(entry("odd", None, 1)),
            plainly({"insert": "c", "documents": [{"_id": "even", "sequence": 1}]}),
            plainly({"createIndexes": "c", "indexes": [{"name": "entries", "key": {"n": 1}}]}),
            plainly(
                {"createIndexes": "c", "indexes": [{"name": "n", "key": {"n": 1}, "unique": True}]}
            ),
            plainly({"createIndexes": "c", "indexes": [{**ENTRIES, "name": "u", "key": {"k": 1}}]}),
            (
                "-",
                {
                    "find": "c",
                    "hint": "entries",
                    "filter": {"username": "alice", "sequence": {"$gt": 0}},
                    "sort": {"username": -1, "sequence": -1},
                },
            ),
            plainly({"dropIndexes": "c", "index": "entries"}),
            plainly({"dropIndexes": "c", "index": "entries"}),
            ("-", {"listIndexes": "nothing"}),
            *read_all("c"),
        ],
    )


def test_the_schema(sides: tuple[SimulatedSide, RealSide]) -> None:
    for collection, indexes in INDEXES.items():
        compare(
            sides,
            [
                plainly({"create": collection}),
                plainly({"create": collection}),
                plainly({"createIndexes": collection, "indexes": list(indexes)}),
                ("-", {"listIndexes": collection}),
            ],
        )


def test_aggregations(sides: tuple[SimulatedSide, RealSide]) -> None:
    balances = [
        {"currency": "USD", "scale": 2, "posted_minor": amount}
        for amount in (5, Int64(7), Decimal128("9" * 29), Decimal128("-1.5"), "x", None, LARGE)
    ]
    accounts: list[Document] = [
        {
            "_id": f"account-{place}",
            "books": 2,
            "schema": 2,
            "balances": [each],
            "mac": b"tagg" + bytes(16),
        }
        for place, each in enumerate(balances)
    ]
    accounts += [
        {"_id": "account-x", "books": 1},
        {"_id": "account-y", "books": 2, "balances": {"not": "a list"}, "mac": b"othr" + bytes(16)},
        {"_id": "account-z", "books": 2, "schema": 99, "balances": []},
    ]
    add: Document = {
        "aggregate": "c",
        "pipeline": adding({"_id": {"$gt": "account"}}, b"tagg"),
        "cursor": {},
    }
    compare(sides, [plainly({"insert": "c", "documents": accounts})])

    answers = [side.say("-", add) for side in sides]

    for answer in answers:
        for each in answer["cursor"]["firstBatch"][0].values():
            each.sort(key=repr)
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "expression",
    [
        {"$trunc": "$n"},
        {"$divide": ["$n", 2]},
        {"$mod": ["$n", Decimal128("2")]},
        {"$mod": ["$n", -2]},
        {"$subtract": ["$n", Int64(5)]},
        {"$add": ["$n", 0.5]},
        {"$add": ["$n", LARGE]},
        {"$cond": ["$n", "yes", "no"]},
        {"$map": {"input": "$x", "in": {"$type": "$$this"}}},
        {"$in": ["$n", [1, 2, "text"]]},
        {
            "$switch": {
                "branches": [{"case": {"$gt": ["$n", 2]}, "then": "more"}],
                "default": "less",
            }
        },
        {"$and": [{"$gte": ["$n", 1]}, {"$lte": ["$n", Decimal128("3")]}]},
        {"$isArray": "$x"},
        ["$n", "$missing"],
    ],
)
@pytest.mark.parametrize("identifier", [each["_id"] for each in SOME])
def test_an_expression(
    sides: tuple[SimulatedSide, RealSide], identifier: str, expression: Any
) -> None:
    stages = [{"$match": {"_id": identifier}}, {"$project": {"made": expression}}]
    compare(sides, [("-", {"aggregate": "c", "pipeline": stages, "cursor": {}})])


def test_the_server_itself(sides: tuple[SimulatedSide, RealSide]) -> None:
    compare(
        sides,
        [
            ("-", {"ping": 1}),
            ("-", {"getParameter": 1, "transactionLifetimeLimitSeconds": 1}),
            ("-", {"listCollections": 1, "nameOnly": True, "authorizedCollections": True}),
            ("-", {"getMore": Int64(77), "collection": "c"}),
            ("-", {"drop": "nothing"}),
            ("-", {"drop": "c"}),
            ("-", {"find": "c"}),
            ("-", {"count": "c"}),
        ],
    )
