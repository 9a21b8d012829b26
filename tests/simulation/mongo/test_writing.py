"""The simulated server writes what the real one does."""

from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.kinds import LARGE, SOME
from tests.simulation.mongo.sides import RealSide, SimulatedSide, compare, plainly, read_all

pytestmark = pytest.mark.mongo

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
