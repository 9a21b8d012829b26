"""Changes of a contract, to be made on a copy of today's."""

from collections.abc import Callable
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Document], object]


def schema(document: Document, name: str) -> Document:
    return document["components"]["schemas"][name]


def field(document: Document, model: str, name: str) -> Document:
    return schema(document, model)["properties"][name]


def message(document: Document, name: str) -> Document:
    return document["components"]["messages"][name]


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
        given |= given.pop("anyOf")[0]

    return change


def as_map_of_names(document: Document) -> None:
    balances = field(document, "Balances", "balances")
    [(pattern, values)] = balances.pop("patternProperties").items()
    balances |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}


def a_closed_list(document: Document) -> None:
    field(document, "BalanceChangedV1", "kind")["enum"] = ["deposited", "withdrawn"]


def a_longer_closed_list(document: Document) -> None:
    field(document, "BalanceChangedV1", "kind")["enum"] = ["deposited", "withdrawn", "reversed"]
