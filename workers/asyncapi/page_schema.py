"""A JSON schema as a table of fields that people can read."""

from typing import Any

from workers.asyncapi.html import EMPTY, Html, inline, join, table, tag
from workers.asyncapi.schemas import OPENED, SCHEMAS, Json

LIMITS = {
    "minLength": "length at least {}",
    "maxLength": "length at most {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxProperties": "at most {} pairs",
    "format": "{}",
}
"""Keyword → how a person says it. Patterns stand apart: they are code."""


def fields(schema: Json) -> Html:
    """Return the properties of an object, required ones first."""
    required = set(schema.get("required", []))
    properties = schema.get("properties", {})
    if not properties:
        return join([tag("p", _type(schema), ". ", inline(schema.get("description", "")))])
    order = sorted(properties, key=lambda name: name not in required)
    rows = [
        (
            join([tag("code", name), EMPTY if name in required else tag("small", " optional")]),
            _type(properties[name]),
            _meaning(properties[name]),
        )
        for name in order
    ]
    return table(("Field", "Type", "Meaning"), rows)


def _type(schema: Json) -> Html:
    """Return what kind of value it is, with a link where it is described elsewhere."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(SCHEMAS)
        return tag("a", name, href=f"#schema-{name}")
    if "anyOf" in schema:
        return join((_type(each) for each in schema["anyOf"]), by=" or ")
    if "const" in schema:
        return tag("code", schema["const"])
    if "enum" in schema:
        return join((tag("code", value) for value in schema["enum"]), by=" ")
    if schema.get("type") == "array":
        return join(["list of ", _type(schema.get("items", {}))])
    if isinstance(schema.get("additionalProperties"), dict):
        return join(["object of ", _type(schema["additionalProperties"])])
    return join([schema.get("type", "any value")])


def _meaning(schema: Json) -> Html:
    """Return the description, then every limit."""
    said: list[Html] = []
    options: list[Json] = [schema, *schema.get("anyOf", [])]
    for option in options:
        if "description" in option:
            said.append(inline(option["description"]))
        limits = {key: option[key] for key in LIMITS if key in option}
        said += [inline(LIMITS[key].format(_number(limit))) for key, limit in limits.items()]
        if "pattern" in option:
            said.append(tag("code", option["pattern"], class_="pattern"))
    if OPENED in schema:
        said.append(join(["opened: ", _type(schema[OPENED])]))
    if "default" in schema and schema["default"] not in (None, []):
        said.append(join(["default ", tag("code", _json(schema["default"]))]))
    return join(dict.fromkeys(said), by="<br>")


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _json(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
