"""What the page says of the fields of a JSON schema, and in which order."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from contract_docs.schemas import OPENED, PROBLEMS, Json
from contracts.published import KNOWN_VALUES

Said: TypeAlias = tuple[Literal["text", "pattern", "known", "opened", "default"], Any]

LIMITS = {
    "minLength": "length at least {}",
    "maxLength": "length at most {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxProperties": "at most {} pairs",
    "format": "{}",
}
"""Keyword → how a person says it. Patterns stand apart: they are code."""


def schema_name(reference: str) -> str:
    """Return what a `$ref` names."""
    return reference.rpartition("/")[2]


def required_first(
    properties: Mapping[str, Json], required: Collection[str]
) -> Iterable[tuple[str, Json]]:
    """Return the fields of an object in the order in which they are shown."""
    return sorted(properties.items(), key=lambda field: field[0] not in required)


def meanings(schema: Json) -> list[Said]:
    """Return the description, then every limit, each once; what is opened is a schema again."""
    found = list(_meanings(schema))
    return [said for place, said in enumerate(found) if said not in found[:place]]


def _meanings(schema: Json) -> Iterator[Said]:
    options: list[Json] = [schema, *schema.get("anyOf", [])]
    for option in options:
        if "description" in option:
            yield "text", option["description"]
        for keyword, words in LIMITS.items():
            if keyword in option:
                yield "text", words.format(_number(option[keyword]))
        if "pattern" in option:
            yield "pattern", option["pattern"]
        if KNOWN_VALUES in option and PROBLEMS not in option:
            yield "known", option[KNOWN_VALUES]
    if OPENED in schema:
        yield "opened", schema[OPENED]
    if "default" in schema and schema["default"] not in (None, []):
        yield "default", _json(schema["default"])


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _json(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
