"""Documents with values of every kind."""

from datetime import UTC, datetime

from bson.decimal128 import Decimal128
from bson.int64 import Int64

from storage.mongo.documents.accounts import Document

LARGE = 2**62
"""So that twice as much is no integer any more."""

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
