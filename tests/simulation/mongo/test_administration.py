"""Indexes, collections and the server itself, on the simulated server as on the real one."""

from typing import Any

import pytest
from bson.int64 import Int64

from storage.mongo.documents.accounts import Document
from storage.mongo.schema import ENTRIES, INDEXES
from tests.simulation.mongo.sides import RealSide, SimulatedSide, compare, plainly, read_all

pytestmark = pytest.mark.mongo


def entry(identifier: str, username: Any, sequence: Any) -> Document:
    return {
        "insert": "c",
        "documents": [{"_id": identifier, "username": username, "sequence": sequence}],
    }


def sequence(identifier: str, to: Any) -> Document:
    statement: Document = {"q": {"_id": identifier}, "u": {"$set": {"sequence": to}}}
    return {"update": "c", "updates": [statement]}


def test_indexes(sides: tuple[SimulatedSide, RealSide]) -> None:
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
