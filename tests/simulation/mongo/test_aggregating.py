"""The simulated server computes what the real one does."""

from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64

from storage.mongo.documents.accounts import Document
from storage.mongo.documents.totals import adding
from tests.simulation.mongo.kinds import LARGE, SOME
from tests.simulation.mongo.sides import RealSide, SimulatedSide, compare, plainly

pytestmark = pytest.mark.mongo


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
