"""The schemas have a shape that generators make good types of, and say all that is enforced."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import jsonschema_rs
import pytest
from pydantic import BaseModel, ValidationError

from contract_docs.document import document
from contract_docs.naming import OF_FIELDS
from contract_docs.rules import RULES
from contract_docs.schemas import SCHEMAS
from contracts.commands import COMMANDS
from contracts.message import METADATA_BYTES_MAX
from contracts.profile import UpdateProfile
from contracts.published import KNOWN_VALUES
from contracts.requests import REQUESTS

DOCUMENT = document()
MESSAGES: Mapping[str, Any] = DOCUMENT["components"]["messages"]
FOUND: Mapping[str, Any] = DOCUMENT["components"]["schemas"]
INPUTS: Mapping[str, type[BaseModel]] = {
    model.__name__: model for model in (*COMMANDS.values(), *REQUESTS.values())
}
CLEARED = {"phone", "date_of_birth"}
"""Fields of `update-profile` that null clears."""
NEVER_NULL = {"everywhere", "limit", "marketing_consent", "order"}
"""Optional fields that are refused as null, as they always were: absent they mean a value."""
LEAST = {name: MESSAGES[name]["examples"][0]["payload"] for name in INPUTS}
OPTIONAL = [
    (name, field)
    for name, model in INPUTS.items()
    for field in FOUND[name]["properties"]
    if field not in FOUND[name]["required"] and model is not UpdateProfile
]
every_schema = pytest.mark.parametrize("name", FOUND)


def parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield *schema* and all schemas in it; examples and lists of values are none."""
    if isinstance(schema, list):
        for each in cast("list[Any]", schema):
            yield from parts(each)
    elif isinstance(schema, dict):
        said = cast("dict[str, Any]", schema)
        yield said
        for key in said.keys() - {"examples", "enum", "required"}:
            yield from parts(said[key])


def takes(name: str, value: object) -> bool:
    """Say whether a value is good by a schema of the document, formats included."""
    schema = {"$ref": SCHEMAS + name, "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True).is_valid(value)


@every_schema
def test_each_has_its_name_as_its_title(name: str) -> None:
    assert FOUND[name]["title"] == name


@every_schema
def test_what_becomes_a_type_has_a_schema_of_its_own(name: str) -> None:
    """Else generators name it `AnonymousSchema_347`, and make it twice."""
    inside = [part for part in parts(FOUND[name]) if part is not FOUND[name]]

    types = {"enum", KNOWN_VALUES, "additionalProperties"}
    assert [part for part in inside if types & part.keys() or part.get("type") == "object"] == []


@every_schema
def test_each_says_what_it_is_in_one_way(name: str) -> None:
    keywords = {key for part in parts(FOUND[name]) for key in part}

    assert keywords.isdisjoint({"anyOf", "oneOf", "allOf", "patternProperties"})


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_refers_to_its_schemas(name: str) -> None:
    assert MESSAGES[name]["headers"].keys() == MESSAGES[name]["payload"].keys() == {"$ref"}


def test_null_stands_only_where_it_clears() -> None:
    fields = {
        (name, field)
        for name, schema in FOUND.items()
        for field, each in schema.get("properties", {}).items()
        if "null" in json.dumps(each)
    }

    assert fields == {("UpdateProfile", field) for field in CLEARED}


@pytest.mark.parametrize(("name", "field"), OPTIONAL)
def test_null_is_still_taken_as_absent_where_it_was(name: str, field: str) -> None:
    """The document asks for less than the service takes: senders of before may go on."""
    model = INPUTS[name]
    body = {key: value for key, value in LEAST[name].items() if key != field}
    absent = model.model_validate_json(json.dumps(body))

    if field in NEVER_NULL:
        with pytest.raises(ValidationError):
            model.model_validate_json(json.dumps(body | {field: None}))
    else:
        assert model.model_validate_json(json.dumps(body | {field: None})) == absent


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("Register", "email", "zoë@exämple.com"),
        ("Register", "phone", "+493012345678"),
        ("Register", "date_of_birth", "1900-01-01"),
        ("Register", "first_name", "é" * 100),
        ("Deposit", "expires_at", "2030-01-01T13:00:00.123456789+01:00"),
        ("Deposit", "expires_at", "2030-01-01t12:00:00z"),
        ("Deposit", "metadata", {str(place): "x" for place in range(16)}),
        ("Deposit", "amount", "0.000000000000000001"),
        ("UpdateProfile", "phone", None),
        ("ListTransactions", "kind", "withdrawn"),
        ("ListTransactions", "limit", 200),
    ],
)
def test_what_is_accepted_is_good_by_the_schema(name: str, field: str, value: object) -> None:
    body = LEAST[name] | {field: value}

    INPUTS[name].model_validate_json(json.dumps(body))
    assert takes(name, body)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("Register", "email", "nowhere"),
        ("Register", "phone", "030 12345678"),
        ("Register", "date_of_birth", "1990-02-30"),
        ("Register", "first_name", ""),
        ("Deposit", "expires_at", "tomorrow"),
        ("Deposit", "expires_at", "2030-01-01T12:00:00"),
        ("Deposit", "metadata", {str(place): "x" for place in range(17)}),
        ("Deposit", "metadata", {"place": 1}),
        ("Deposit", "reason", ""),
        ("Deposit", "amount", 10.5),
        ("Deposit", "note", "x"),
        ("UpdateProfile", "email", None),
        ("ListTransactions", "kind", "stolen"),
        ("ListTransactions", "limit", 201),
        ("Login", "reply_key", {"kty": "EC", "crv": "P-256", "x": "A" * 43}),
    ],
)
def test_what_is_refused_by_its_form_is_not(name: str, field: str, value: object) -> None:
    body = LEAST[name] | {field: value}

    with pytest.raises(ValidationError):
        INPUTS[name].model_validate_json(json.dumps(body))
    assert not takes(name, body)


def test_a_rule_that_no_keyword_says_stands_in_words() -> None:
    assert f"{METADATA_BYTES_MAX} bytes of UTF-8" in FOUND["Metadata"]["description"]
    assert "64 before the @" in FOUND["Register"]["properties"]["email"]["description"]


@pytest.mark.parametrize("field", RULES)
def test_every_rule_is_one_of_a_field(field: str) -> None:
    assert any(field in FOUND[name]["properties"] for name in [*INPUTS, "ReplyKey", "Passwords"])


@pytest.mark.parametrize("place", OF_FIELDS)
def test_every_name_is_one_of_a_field(place: str) -> None:
    model, _, field = place.partition(".")

    assert FOUND[model]["properties"][field]["$ref"] == SCHEMAS + OF_FIELDS[place]


@pytest.mark.parametrize("name", [*INPUTS, "ReplyKey", "Passwords"])
def test_every_field_that_is_sent_is_described(name: str) -> None:
    undescribed = [
        field
        for field, each in FOUND[name]["properties"].items()
        if "description" not in each and "$ref" not in each
    ]

    assert undescribed == []
