"""What differs between two JSON schemas, field by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from contract_docs.compatibility.breaks import Affected, Json
from contract_docs.compatibility.values import OF_TYPE, differences
from contract_docs.schemas import OPENED

ANY = "any value"


class Difference(NamedTuple):
    """One change that breaks somebody, of one field."""

    path: str
    """The field's name behind those of the objects it is in, with dots; empty for the whole."""
    what: str


@dataclass(frozen=True, slots=True)
class Schemas:
    """Compares schemas of two documents, as they concern those who send or those who read."""

    old: Json
    new: Json
    affected: Affected

    def differences(self, old: Json, new: Json, path: str = "") -> Iterator[Difference]:
        """Yield what breaks where *new* stands in the place of *old*."""
        before, now = _options(self.old, old), _options(self.new, new)
        given, taking = (before, now) if self.affected is Affected.SENDERS else (now, before)
        strange = [each for each in given if not any(_takes(option, each) for option in taking)]
        if strange:
            what = f"its type was {_types(before)} and is {_types(now)}"
            yield Difference(path, what)
        yield from self._default(old, new, path)
        for each in given:
            found = [
                [*self._of_one(*self._ordered(each, option), path)]
                for option in taking
                if _takes(option, each)
            ]
            yield from min(found, key=len, default=())

    def _ordered(self, given: Json, taking: Json) -> tuple[Json, Json]:
        return (given, taking) if self.affected is Affected.SENDERS else (taking, given)

    def _default(self, old: Json, new: Json, path: str) -> Iterator[Difference]:
        before, now = (each.get("default") for each in (old, new))
        if self.affected is Affected.SENDERS and "default" in old and before != now:
            yield Difference(path, f"left out, it meant {before} and means {now}")

    def _of_one(self, old: Json, new: Json, path: str) -> Iterator[Difference]:
        """Yield what breaks between two schemas that take values of one type."""
        for what in differences(old, new, self.affected):
            yield Difference(path, what)
        yield from self._fields(old, new, path)
        yield from self._names(old, new, path)
        for keyword, below in (("items", f"{path}[]"), (OPENED, f"{path} opened")):
            if keyword in old or keyword in new:
                yield from self.differences(old.get(keyword, {}), new.get(keyword, {}), below)

    def _fields(self, old: Json, new: Json, path: str) -> Iterator[Difference]:
        before, now = old.get("properties", {}), new.get("properties", {})
        needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))
        added = [name for name in now if name not in before]
        for name, field in before.items():
            if name in now:
                yield from self.differences(field, now[name], _below(path, name))
            else:
                renamed = f"; new beside it: {', '.join(added)}" if added else ""
                yield Difference(_below(path, name), f"it is gone{renamed}")
        if self.affected is Affected.SENDERS:
            for name in sorted(needed_now - needed):
                known = "it was optional" if name in before else "it was not there before"
                yield Difference(_below(path, name), f"it is required, and {known}")
        else:
            for name in sorted((needed - needed_now) & now.keys()):
                yield Difference(_below(path, name), "it may be absent now, and was always there")

    def _names(self, old: Json, new: Json, path: str) -> Iterator[Difference]:
        """Yield what breaks in fields that are not named one by one: of maps, and unknown ones."""
        (names, values), (names_now, values_now) = _map(old), _map(new)
        if isinstance(values, dict) and isinstance(values_now, dict):
            yield from self.differences(names, names_now, f"{path} names")
            yield from self.differences(values, values_now, _below(path, "*"))
            return
        given, taking = (
            (values, values_now) if self.affected is Affected.SENDERS else (values_now, values)
        )
        if taking is False and given is not False:
            yield Difference(path, "it may no longer have other fields than those named")
        elif isinstance(taking, dict) and given is True:
            yield Difference(path, "other fields than those named have a schema now")


def _options(document: Json, schema: Json) -> list[Json]:
    """Return the schemas of which a value needs only one, each with one type at most."""
    whole = resolved(document, schema)
    for keyword in ("anyOf", "oneOf"):
        if keyword in whole:
            rest = {key: value for key, value in whole.items() if key != keyword}
            return [option for each in whole[keyword] for option in _options(document, each | rest)]
    types = whole.get("type", ANY)
    if isinstance(types, str):
        return [whole | {"type": types}]
    return [_of_type(whole, each) for each in types]


def _of_type(schema: Json, name: str) -> Json:
    """Return what *schema* says of values of one of its types: null has no pattern and no length."""
    own = {key: value for key, value in schema.items() if OF_TYPE.get(key, name) == name}
    return own | {"type": name}


def resolved(document: Json, node: Json) -> Json:
    """Return *node*, or what it points to in *document*, with what stands beside that."""
    while "$ref" in node:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target | beside
    return node


def _takes(option: Json, given: Json) -> bool:
    types = option["type"], given["type"]
    return types[0] in (ANY, types[1]) or types == ("number", "integer")


def _types(options: list[Json]) -> str:
    return " or ".join(dict.fromkeys(each["type"] for each in options))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _map(schema: Json) -> tuple[Json, Json | bool]:
    """Return the schemas of the names and values of fields that are not named one by one."""
    if patterns := schema.get("patternProperties"):
        [(pattern, values)] = patterns.items()
        return {"type": "string", "pattern": pattern}, values
    names = {"type": "string"} | schema.get("propertyNames", {})
    return names, schema.get("additionalProperties", True)
