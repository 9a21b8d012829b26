"""How the values of one field may differ between two schemas: bounds, patterns, lists of values."""

from collections.abc import Iterator

from contract_docs.compatibility.breaks import Affected, Json
from contract_docs.compatibility.patterns import takes_all_of
from contracts.published import KNOWN_VALUES

LEAST = {
    "minimum": "smallest number",
    "exclusiveMinimum": "bound below",
    "minLength": "least length",
    "minItems": "least number of items",
    "minProperties": "least number of fields",
}
MOST = {
    "maximum": "largest number",
    "exclusiveMaximum": "bound above",
    "maxLength": "greatest length",
    "maxItems": "greatest number of items",
    "maxProperties": "greatest number of fields",
}
OF_TYPE = {
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(("minItems", "maxItems", "items"), "array"),
    **dict.fromkeys(("minProperties", "maxProperties", "properties", "required"), "object"),
}
"""Keywords that say something of values of one type alone."""
STRUCTURE = {
    *("$ref", "type", "anyOf", "oneOf", "properties", "required", "items", "x-opened"),
    *("additionalProperties", "patternProperties", "propertyNames"),
}
"""Keywords that are followed in `schemas`."""
SAYING = {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"}
"""Keywords that refuse no value."""
COMPARED = {*LEAST, *MOST, "enum", "const", "pattern", "format"}

MEANS = {
    Affected.SENDERS: "what was accepted may be refused",
    Affected.READERS: "readers may find what they did not have to expect",
}


def differences(old: Json, new: Json, affected: Affected) -> Iterator[str]:
    """Yield how values that were good in *old*, of one type, are no longer, each as half a sentence.

    For senders, *new* must take all that *old* took; for readers, *old* all that *new* may hold.
    """
    taking, given = (new, old) if affected is Affected.SENDERS else (old, new)
    for keyword, name in {**LEAST, **MOST}.items():
        if keyword in taking and not _is_within(keyword, given, taking):
            yield _was_and_is(f"its {name}", old.get(keyword), new.get(keyword), affected)
    if "pattern" in taking and not _has_narrower_pattern(given, taking):
        yield _was_and_is("its pattern", old.get("pattern"), new.get("pattern"), affected)
    if "format" in taking and given.get("format") != taking["format"]:
        yield _was_and_is("its format", old.get("format"), new.get("format"), affected)
    yield from _lists(old, new, affected)
    yield from _others(old, new)


def _is_within(keyword: str, given: Json, taking: Json) -> bool:
    if keyword not in given:
        return False
    if keyword in LEAST:
        return given[keyword] >= taking[keyword]
    return given[keyword] <= taking[keyword]


def _has_narrower_pattern(given: Json, taking: Json) -> bool:
    return "pattern" in given and takes_all_of(taking["pattern"], given["pattern"])


def _was_and_is(name: str, old: object, new: object, affected: Affected) -> str:
    was, now = ("none" if each is None else f"{each}" for each in (old, new))
    return f"{name} was {was} and is {now}, so that {MEANS[affected]}"


def _lists(old: Json, new: Json, affected: Affected) -> Iterator[str]:
    """Yield what became of closed lists of values, and of the known ones of open lists."""
    before, now = _listed(old), _listed(new)
    if affected is Affected.SENDERS and now is not None:
        if before is None:
            yield f"it takes only {_named(now)} now"
        elif gone := [each for each in before if each not in now]:
            yield f"it no longer takes {_named(gone)}"
    if affected is Affected.READERS and before is not None:
        if now is None:
            yield f"it may be something else than {_named(before)} now"
        elif more := [each for each in now if each not in before]:
            yield f"it may be {_named(more)} now, which its closed list did not have"
    if affected is Affected.READERS and KNOWN_VALUES in old:
        said = [*new.get(KNOWN_VALUES, ()), *(now or ())]
        if gone := [each for each in old[KNOWN_VALUES] if each not in said]:
            yield f"it is never {_named(gone)} any more"


def _listed(schema: Json) -> list[object] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _named(values: list[object]) -> str:
    return ", ".join(f"`{each}`" for each in values)


def _others(old: Json, new: Json) -> Iterator[str]:
    """Yield keywords that nothing here knows: whoever adds one says what its change breaks."""
    for keyword in sorted(old.keys() | new.keys()):
        known = keyword in {*STRUCTURE, *SAYING, *COMPARED} or keyword.startswith("x-")
        if not known and old.get(keyword) != new.get(keyword):
            yield f"`{keyword}` changed, of which nobody can say here what that breaks"
