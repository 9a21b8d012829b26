"""Changes of a contract, to be made on a copy of today's."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Document], object]


def schema(document: Document, name: str) -> Document:
    return document["components"]["schemas"][name]


def field(document: Document, model: str, name: str) -> Document:
    return schema(document, model)["properties"][name]


def message(document: Document, name: str) -> Document:
    return document["components"]["messages"][name]


def as_options(model: str, name: str) -> Change:
    """Return a change of how it is said, and not of what: that it is a text or null."""

    def change(document: Document) -> None:
        given = field(document, model, name)
        text = {key: given.pop(key) for key in ("maxLength", "pattern") if key in given}
        given["anyOf"] = [{"type": each} for each in given.pop("type")]
        given["anyOf"][0] |= text

    return change


def headers(document: Document, name: str) -> Document:
    """Return the headers of one message, which it shares with no other any more."""
    told = message(document, name)
    told["headers"] = deepcopy(schema(document, told["headers"]["$ref"].rpartition("/")[2]))
    return told["headers"]


def without(model: str, name: str) -> Change:
    def change(document: Document) -> None:
        del schema(document, model)["properties"][name]
        schema(document, model)["required"].remove(name)

    return change


def having(model: str, name: str, **given: Any) -> Change:
    """Return a change of one field's keywords; None takes one away."""

    def change(document: Document) -> None:
        changed = field(document, model, name)
        for keyword, value in given.items():
            if value is None:
                del changed[keyword]
            else:
                changed[keyword] = value

    return change


def with_field(model: str, name: str, *, required: bool = False, **given: Any) -> Change:
    def change(document: Document) -> None:
        schema(document, model)["properties"][name] = given or {"type": "string"}
        if required:
            schema(document, model)["required"].append(name)

    return change


def optional(model: str, name: str) -> Change:
    return lambda document: schema(document, model)["required"].remove(name)


def renamed(document: Document) -> None:
    without("BalanceChangedV1", "held")(document)
    with_field("BalanceChangedV1", "blocked")(document)


def without_option(model: str, name: str) -> Change:
    """Return a change by which null is no longer taken."""

    def change(document: Document) -> None:
        given = field(document, model, name)
        given["type"] = given["type"][0]

    return change


def as_map_by_pattern(document: Document) -> None:
    balances = schema(document, "BalancesByCurrency")
    pattern = balances.pop("propertyNames")["pattern"]
    balances["patternProperties"] = {pattern: balances.pop("additionalProperties")}


def a_closed_list(document: Document) -> None:
    field(document, "BalanceChangedV1", "kind")["enum"] = ["deposited", "withdrawn"]


def a_longer_closed_list(document: Document) -> None:
    field(document, "BalanceChangedV1", "kind")["enum"] = ["deposited", "withdrawn", "reversed"]
