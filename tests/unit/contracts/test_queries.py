"""What the questions of the query worker may say."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from tests.unit.asking import MODELS


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field.alias or known)
        for name, model in MODELS.items()
        for known, field in model.model_fields.items()
    ],
)
@pytest.mark.parametrize("value", [{"$gt": ""}, {"$ne": None}, [{"$gt": ""}], ["alice"]])
def test_an_operator_never_gets_past_the_contract(name: str, field: str, value: Any) -> None:
    body = {"request_id": "one", "username": "alice", "command_id": "asked", field: value}
    if name != "get-outcome":
        del body["command_id"]

    with pytest.raises(ValidationError) as refused:
        MODELS[name].model_validate_json(orjson.dumps(body))

    assert {problem["loc"][0] for problem in refused.value.errors()} == {field}


@pytest.mark.parametrize("text", ["$where", "{$ne}", ".a", "", "alice\x00", "alicé"])
def test_a_username_is_never_an_operator(text: str) -> None:
    body = orjson.dumps({"request_id": "one", "username": text})

    with pytest.raises(ValidationError):
        MODELS["get-balance"].model_validate_json(body)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"from_": "2030-01-01T12:00:00Z"}, "from_"),
        ({"from": "2030-01-01"}, "from"),
        ({"from": 1_893_499_200}, "from"),
        ({"to": "2030-01-01T12:00:00"}, "to"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "50"}, "limit"),
        ({"limit": 50.0}, "limit"),
        ({"limit": True}, "limit"),
        ({"order": "sideways"}, "order"),
        ({"kind": "deposit"}, "kind"),
        ({"currency": "usd"}, "currency"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "A" * 257}, "cursor"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_a_history_cannot_be_asked_is_refused(fields: dict[str, Any], place: str) -> None:
    body = orjson.dumps({"request_id": "one", "username": "alice", **fields})

    with pytest.raises(ValidationError) as refused:
        MODELS["list-transactions"].model_validate_json(body)

    assert [problem["loc"][0] for problem in refused.value.errors()] == [place]
