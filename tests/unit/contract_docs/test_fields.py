"""A schema is shown with what it refers to, and with what is in it."""

from typing import Any

import pytest

from contract_docs.page.fields import DEPTH_MAX, ShownSchemas, Value

SCHEMAS: dict[str, Any] = {
    "Amount": {"type": "string", "description": "A decimal.", "pattern": "^[0-9]+$"},
    "State": {
        "type": "object",
        "description": "What is in one currency.",
        "properties": {
            "held": {"type": "string"},
            "posted": {"$ref": "#/components/schemas/Amount"},
        },
        "required": ["posted"],
    },
    "ByCurrency": {
        "type": "object",
        "propertyNames": {"description": "A currency.", "examples": ["USD"]},
        "additionalProperties": {"$ref": "#/components/schemas/State"},
    },
    "Tree": {
        "type": "object",
        "properties": {"below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
    },
    "Nested": {"type": "array", "items": {"$ref": "#/components/schemas/Nested"}},
}
SHOWN = ShownSchemas(SCHEMAS)
HOLDING: list[dict[str, Any]] = [
    {"$ref": "#/components/schemas/State"},
    {"$ref": "#/components/schemas/ByCurrency"},
    {"type": "array", "items": {"$ref": "#/components/schemas/State"}},
    {"allOf": [{"$ref": "#/components/schemas/State"}, {"if": {}, "then": {}}]},
    {"type": "object", "patternProperties": {"^[A-Z]+$": {"$ref": "#/components/schemas/State"}}},
]
"""Different ways to hold one object."""


def ref(name: str, **more: Any) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", **more}


def kind(value: Value) -> str:
    return "".join(word.text for word in value.kind)


def names(value: Value) -> list[list[str]]:
    return [[field.name for field in held.fields] for held in value.holds]


def texts(value: Value) -> list[Any]:
    return [said for what, said in value.says if what == "text"]


class TestShownSchemas:
    @pytest.mark.parametrize(
        ("schema", "said"),
        [
            ({}, "any value"),
            ({"type": "string"}, "string"),
            ({"type": ["string", "null"]}, "string or null"),
            ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
            ({"oneOf": [ref("State"), ref("Tree")]}, "State or Tree"),
            ({"allOf": [ref("State")]}, "State"),
            ({"type": "array", "items": ref("State")}, "list of State"),
            ({"type": "object", "additionalProperties": {"type": "string"}}, "map of string"),
            ({"type": "object", "additionalProperties": False}, "object"),
            (ref("State"), "State"),
            (ref("Amount"), "string"),
            (ref("ByCurrency"), "map of State"),
            ({"type": "object", "patternProperties": {"^[A-Z]+$": ref("State")}}, "map of State"),
            (ref("Nested"), "list of Nested"),
        ],
    )
    def test_names_the_type(self, schema: dict[str, Any], said: str) -> None:
        assert kind(SHOWN.value(schema)) == said

    @pytest.mark.parametrize("schema", HOLDING)
    def test_shows_the_fields_inside_with_those_that_must_be_there_first(
        self, schema: dict[str, Any]
    ) -> None:
        [held] = SHOWN.value(schema).holds

        assert [(field.name, field.required) for field in held.fields] == [
            ("posted", True),
            ("held", False),
        ]
        assert texts(held.fields[0].value) == ["A decimal."]
        assert ("pattern", "^[0-9]+$") in held.fields[0].value.says

    def test_shows_each_of_several_objects(self) -> None:
        value = SHOWN.value({"oneOf": [ref("State"), ref("Tree")]})

        assert names(value) == [["posted", "held"], ["below"]]

    def test_joins_parts(self) -> None:
        own = {"properties": {"more": {"type": "string"}}, "required": ["more"]}

        value = SHOWN.value({"allOf": [ref("State"), own]})

        assert names(value) == [["posted", "more", "held"]]

    def test_says_what_the_keys_of_a_map_are(self) -> None:
        value = SHOWN.value(ref("ByCurrency"))

        assert texts(value) == ["Each key: A currency.", "Each value: What is in one currency."]
        assert ("example", "USD") in value.says

    def test_lets_a_place_say_more_than_what_it_refers_to(self) -> None:
        assert texts(SHOWN.value(ref("State", description="Here."))) == ["Here."]
        assert texts(SHOWN.value(ref("State"))) == ["What is in one currency."]

    def test_stops_where_a_schema_holds_itself(self) -> None:
        [held] = SHOWN.value(ref("Tree")).holds

        [below] = held.fields
        assert kind(below.value) == "list of Tree"
        assert below.value.holds == []

    def test_stops_at_a_depth(self) -> None:
        chain = {
            f"L{place}": {"type": "object", "properties": {"next": ref(f"L{place + 1}")}}
            for place in range(DEPTH_MAX + 2)
        }
        shown = ShownSchemas(chain | {f"L{DEPTH_MAX + 2}": {"type": "object"}})

        value, depth = shown.value(ref("L0")), 0
        while value.holds:
            value, depth = value.holds[0].fields[0].value, depth + 1

        assert depth == DEPTH_MAX
        assert [word.schema for word in value.kind] == [f"L{DEPTH_MAX}"]

    def test_shows_what_a_sealed_field_holds(self) -> None:
        opened = SHOWN.value({"type": "string", "x-opened": ref("State")}).opened

        assert opened is not None
        assert names(opened) == [["posted", "held"]]
