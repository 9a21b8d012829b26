"""The simulated server finds what the real one does."""

from datetime import UTC, datetime

import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64

from storage.mongo.client import MAJORITY
from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.sides import RealSide, SimulatedSide, compare

pytestmark = pytest.mark.mongo

SNAPSHOT: Document = {"level": "snapshot"}


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
