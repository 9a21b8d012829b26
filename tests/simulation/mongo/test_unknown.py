"""What the simulated server lacks fails loudly, and says what it is."""

import asyncio
from typing import Any

import pytest

from tests.simulation.mongo.refusals import NotHereError
from tests.simulation.mongo.sides import SimulatedSide

LACKING: list[dict[str, Any]] = [
    {"mapReduce": "c"},
    {"find": "c", "filter": {"a": {"$near": 1}}},
    {"find": "c", "filter": {"$where": "1"}},
    {"find": "c", "collation": {}},
    {"aggregate": "c", "pipeline": [{"$lookup": {}}], "cursor": {}},
    {"aggregate": "c", "pipeline": [{"$project": {"a": {"$sin": 1}}}], "cursor": {}},
    {"update": "c", "updates": [{"q": {"_id": "a"}, "u": {"$mul": {"a": 2}}}]},
    {"delete": "c", "deletes": [{"q": {}, "limit": 1, "hint": "entries"}]},
]


@pytest.mark.parametrize("command", LACKING)
def test_what_nobody_needed_yet_is_named(command: dict[str, Any]) -> None:
    with asyncio.Runner() as runner:
        side = SimulatedSide(runner)
        side.say("-", {"insert": "c", "documents": [{"_id": "a"}]})

        with pytest.raises(
            NotHereError, match=r"mapReduce|near|where|collation|lookup|sin|mul|hint"
        ):
            side.say("-", command)
