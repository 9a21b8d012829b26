"""JSON schemas as people read them: what a value is, what is said of it, and what is in it.

References are followed, so that a field shows what it holds where it stands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from contract_docs.page.extensions import extensions
from contract_docs.page.refusals import CODES
from contract_docs.schemas import OPENED, PROBLEMS, Json
from contracts.published import KNOWN_VALUES

DEPTH_MAX = 3
"""Objects shown in each other; what is deeper is a link, so that the page stays small."""

LIMITS = {
    "minLength": "length at least {}",
    "maxLength": "length at most {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} pairs",
    "maxProperties": "at most {} pairs",
    "format": "{}",
}
"""Keyword → how a person says it. Patterns stand apart: they are code."""

ALTERNATIVES = ("anyOf", "oneOf")

Saying: TypeAlias = Literal[
    "text", "pattern", "values", "known", "default", "example", "codes", "problems", "extension"
]
Said: TypeAlias = tuple[Saying, Any]


class TypeWord(NamedTuple):
    """Part of what a value's type is called."""

    text: str
    schema: str | None = None
    """The one described elsewhere, to link to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value as it is shown."""

    kind: list[TypeWord]
    says: list[Said]
    holds: "list[Held]" = field(default_factory=list["Held"])
    """The fields of the objects that it is or has in it; several where it is one of them."""
    opened: "Value | None" = None
    """What a sealed one holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An object in a value."""

    name: str | None
    each: str
    """Whether it is the value, or each item or each value of it."""
    fields: "list[ShownField]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """A field of an object."""

    name: str
    required: bool
    value: Value


def schema_name(reference: str) -> str:
    """Return what a `$ref` names."""
    return reference.rpartition("/")[2]


class ShownSchemas:
    """The schemas of a document, by name."""

    def __init__(self, schemas: Mapping[str, Json]) -> None:
        self._schemas = schemas

    def value(self, schema: Json, above: tuple[str, ...] = ()) -> Value:
        """Return *schema* as it is shown inside of the schemas *above*."""
        name, resolved = self.resolved(schema)
        opened = resolved.get(OPENED)
        return Value(
            kind=self._kind(schema),
            says=self._said(schema),
            holds=self._holds(resolved, (*above, name) if name else above, "", name),
            opened=self.value(opened, above) if opened else None,
        )

    def fields(self, schema: Json, above: tuple[str, ...] = ()) -> list[ShownField]:
        """Return the fields of an object, those that must be there first."""
        required = schema.get("required", [])
        properties: Mapping[str, Json] = schema.get("properties", {})
        return [
            ShownField(name=name, required=name in required, value=self.value(each, above))
            for name, each in sorted(properties.items(), key=lambda one: one[0] not in required)
        ]

    def resolved(self, schema: Json) -> tuple[str | None, Json]:
        """Return the name of what *schema* refers to, if it does, and all that both say."""
        parts = [part for part in schema.get("allOf", []) if "if" not in part]
        own = {key: said for key, said in schema.items() if key not in ("$ref", "allOf")}
        name = None
        if "$ref" in schema:
            name = schema_name(schema["$ref"])
            parts = [self._schemas[name], *parts]
        joined: Json = {}
        for part in parts:
            within, resolved = self.resolved(part)
            name = name or within
            joined = _joined(joined, resolved)
        return name, _joined(joined, own)

    def _kind(self, schema: Json, above: tuple[str, ...] = ()) -> list[TypeWord]:
        name, resolved = self.resolved(schema)
        if name and is_object(resolved):
            return [TypeWord(name, name)]
        if name in above:  # a list of such lists
            return [TypeWord(str(name))]
        return list(self._words(resolved, (*above, name) if name else above))

    def _words(self, schema: Json, above: tuple[str, ...]) -> Iterator[TypeWord]:
        for keyword in ALTERNATIVES:
            if keyword in schema:
                for place, each in enumerate(schema[keyword]):
                    yield from [TypeWord(" or ")] if place else []
                    yield from self._kind(each, above)
                return
        parts = {
            "array": ("list of ", schema.get("items")),
            "object": ("map of ", _values_of_map(schema)),
        }
        for word in _types(schema):
            words, part = parts.get(word.text, ("", None))
            yield from [TypeWord(words), *self._kind(part, above)] if part else [word]

    def _said(self, schema: Json, *, in_part: bool = False) -> list[Said]:
        """Return the description, then every limit, each once."""
        found = list(self._meanings(schema, in_part=in_part))
        return [said for place, said in enumerate(found) if said not in found[:place]]

    def _meanings(self, schema: Json, *, in_part: bool) -> Iterator[Said]:
        name, resolved = self.resolved(schema)
        if "description" in resolved:
            yield "text", resolved["description"]
        if name and is_object(resolved):
            return
        yield from _limits(resolved)
        for keyword in ALTERNATIVES:
            for each in resolved.get(keyword, []):
                yield from self._meanings(each, in_part=in_part)
        if not in_part:
            yield from self._of_parts(resolved)
        if resolved.get("default") not in (None, []):
            yield "default", _as_json(resolved["default"])
        for each in extensions(resolved):
            yield "extension", each

    def _of_parts(self, schema: Json) -> Iterator[Said]:
        key = schema.get("propertyNames", {})
        patterns = schema.get("patternProperties", {})
        for part, said in (
            ("Each key", key | {"pattern": next(iter(patterns))} if patterns else key),
            ("Each value", _values_of_map(schema) or {}),
            ("Each item", schema.get("items", {})),
        ):
            for what, each in self._said(said, in_part=True):
                yield what, f"{part}: {each}" if what == "text" else each

    def _holds(
        self, schema: Json, above: tuple[str, ...], each: str, name: str | None
    ) -> list[Held]:
        objects = [each for each in above if is_object(self._schemas[each])]
        if len(objects) > DEPTH_MAX or name in above[:-1]:
            return []
        if is_object(schema):
            return [Held(name=name, each=each, fields=self.fields(schema, above))]
        parts: list[tuple[str, Json | None]] = [
            *((each, option) for key in ALTERNATIVES for option in schema.get(key, [])),
            ("each value", _values_of_map(schema)),
            ("each item", schema.get("items")),
        ]
        found: list[Held] = []
        for of, part in parts:
            if part:
                within, resolved = self.resolved(part)
                found += self._holds(resolved, (*above, within) if within else above, of, within)
        return found


def is_object(schema: Json) -> bool:
    """Say whether *schema* has fields, and is described by itself; all else is where it stands."""
    return "properties" in schema


def _joined(one: Json, other: Json) -> Json:
    """Return what two parts of a schema say together; the *other* is heard where they differ."""
    joined = one | other
    if is_object(one) and is_object(other):
        joined["properties"] = one["properties"] | other["properties"]
    if "required" in one and "required" in other:
        joined["required"] = [*one["required"], *other["required"]]
    return joined


def _types(schema: Json) -> list[TypeWord]:
    types: str | list[str] = schema.get("type", "any value")
    names = [types] if isinstance(types, str) else types
    words = [[TypeWord(" or "), TypeWord(name)] for name in names]
    return [word for pair in words for word in pair][1:]


def _values_of_map(schema: Json) -> Json | None:
    """Return the schema of a map's values; None of what is no map."""
    for each in (*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")):
        if isinstance(each, dict):
            return each  # pyright: ignore[reportUnknownVariableType] - JSON
    return None


def _limits(schema: Json) -> Iterator[Said]:
    for keyword, words in LIMITS.items():
        if keyword in schema:
            yield "text", words.format(_number(schema[keyword]))
    if "pattern" in schema:
        yield "pattern", schema["pattern"]
    if "const" in schema:
        yield "values", [_as_json(schema["const"])]
    if "enum" in schema:
        yield "values", [_as_json(value) for value in schema["enum"]]
    if CODES in schema:
        yield "codes", None
    elif PROBLEMS in schema:
        yield "problems", None
    elif KNOWN_VALUES in schema:
        yield "known", schema[KNOWN_VALUES]
    if schema.get("examples") and "const" not in schema and "enum" not in schema:
        yield "example", _as_json(schema["examples"][0])


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _as_json(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
