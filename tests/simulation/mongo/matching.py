"""Queries: which documents they match."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.expressions import Variables, compiled, holds
from tests.simulation.mongo.paths import reached
from tests.simulation.mongo.refusals import NotHereError
from tests.simulation.mongo.values import (
    ABSENT,
    is_document,
    is_list,
    key_of,
    order,
    rank,
    type_name,
)

Matcher: TypeAlias = Callable[[Document], bool]
Test: TypeAlias = Callable[[list[Any]], bool]
"""Of all values that stand under a path."""

_NAN_PLACE = 1


def matcher(query: Document, variables: Variables) -> Matcher:
    """Return what says whether a document matches.

    Raises:
        NotHereError: The query has an operator that nobody needed yet.
    """
    tests = [_clause(name, condition, variables) for name, condition in query.items()]
    match tests:
        case []:
            return lambda _document: True
        case [only]:
            return only
        case _:
            return lambda document: all(test(document) for test in tests)


def _clause(name: str, condition: Any, variables: Variables) -> Matcher:
    if not name.startswith("$"):
        return _field(name, condition)
    if name == "$expr":
        expression = compiled(condition)
        return lambda document: holds(expression(document, variables))
    if name not in ("$and", "$or", "$nor"):
        raise NotHereError(f"the operator {name} in a query")
    each = [matcher(one, variables) for one in condition]
    if name == "$and":
        return lambda document: all(one(document) for one in each)
    if name == "$or":
        return lambda document: any(one(document) for one in each)
    return lambda document: not any(one(document) for one in each)


def _field(path: str, condition: Any) -> Matcher:
    test = condition_of(condition)
    if "." in path:
        parts = path.split(".")
        return lambda document: test(reached(document, parts))
    return lambda document: test([document.get(path, ABSENT)])


def condition_of(condition: Any) -> Test:
    """Return the test that a field's condition is: operators, or a value to equal."""
    if not is_operators(condition):
        return _equals(condition)
    tests = [_operator(name, operand) for name, operand in condition.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda values: all(test(values) for test in tests)


def is_operators(condition: Any) -> bool:
    """Say whether a condition is made of operators."""
    return is_document(condition) and next(iter(condition), "").startswith("$")


def _operator(name: str, operand: Any) -> Test:
    if name in _COMPARED:
        return _compares(operand, _COMPARED[name])
    if name not in _OPERATORS:
        raise NotHereError(f"the operator {name} in a query")
    return _OPERATORS[name](operand)


def _each(values: list[Any]) -> list[Any]:
    """Return what is compared: the values, and what is in those that are lists."""
    found = values
    for value in values:
        if is_list(value):
            found = [*found, *value]
    return found


def _equals(operand: Any) -> Test:
    if type(operand) is str:
        return lambda values: (
            operand in values or any(operand in value for value in values if is_list(value))
        )
    key = key_of(operand)
    return lambda values: any(key_of(each) == key for each in _each(values))


def _among(operand: Any) -> Test:
    keys = {key_of(each) for each in operand}
    return lambda values: any(key_of(each) in keys for each in _each(values))


def _compares(operand: Any, compare: Callable[[Any, Any], bool]) -> Test:
    place, bound = rank(operand), order(operand)

    def test(values: list[Any]) -> bool:
        for each in _each(values):
            if rank(each) == place:
                key = order(each)
                if (key[0] == _NAN_PLACE) == (bound[0] == _NAN_PLACE) and compare(key, bound):
                    return True
        return False

    return test


def _exists(operand: Any) -> Test:
    return lambda values: any(each is not ABSENT for each in values) == holds(operand)


def _not(operand: Any) -> Test:
    inner = condition_of(operand)
    return lambda values: not inner(values)


def _type(operand: Any) -> Test:
    names = operand if is_list(operand) else [operand]
    if not all(isinstance(each, str) for each in names):
        raise NotHereError("$type by numbers")
    return lambda values: any(
        each is not ABSENT and type_name(each) in names for each in _each(values)
    )


def _negated(make: Callable[[Any], Test]) -> Callable[[Any], Test]:
    def test(operand: Any) -> Test:
        inner = make(operand)
        return lambda values: not inner(values)

    return test


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda one, other: one > other,
    "$gte": lambda one, other: one >= other,
    "$lt": lambda one, other: one < other,
    "$lte": lambda one, other: one <= other,
}
_OPERATORS: Mapping[str, Callable[[Any], Test]] = {
    "$eq": _equals,
    "$exists": _exists,
    "$in": _among,
    "$ne": _negated(_equals),
    "$nin": _negated(_among),
    "$not": _not,
    "$type": _type,
}
