"""Expressions of aggregations, of `$expr` and of updates by pipeline."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo import numbers
from tests.simulation.mongo.paths import read
from tests.simulation.mongo.refusals import NotHereError, ServerError
from tests.simulation.mongo.values import (
    ABSENT,
    EPOCH,
    MILLISECOND,
    is_document,
    is_list,
    milliseconds,
    order,
    type_name,
)

Variables: TypeAlias = Mapping[str, Any]
Expression: TypeAlias = Callable[[Document, Variables], Any]

_NOT_A_NUMBER = 14
_NOT_A_LIST = 40081
_NO_BRANCH = 40066


def compiled(source: Any) -> Expression:
    """Return what computes an expression of a document and variables.

    Raises:
        NotHereError: It has an operator that nobody needed yet.
    """
    if isinstance(source, str) and source.startswith("$"):
        return _reference(source)
    if is_list(source):
        return _list([compiled(each) for each in source])
    if is_document(source):
        name = next(iter(source), "")
        if name.startswith("$"):
            return _operator(name, source[name])
        return _object({field: compiled(each) for field, each in source.items()})
    return lambda _document, _variables: source


def holds(value: Any) -> bool:
    """Say whether a condition with this value holds: neither absent, null, false nor zero."""
    if value is ABSENT or value is None or value is False:
        return False
    return not (numbers.is_number(value) and order(value) == (2, 0))


def _reference(source: str) -> Expression:
    if source.startswith("$$"):
        name, *parts = source[2:].split(".")

        def variable(document: Document, variables: Variables) -> Any:
            if name == "ROOT":
                return read(document, parts)
            if name not in variables:
                raise NotHereError(f"the variable {source}")
            return read(variables[name], parts)

        return variable
    parts = source[1:].split(".")
    if len(parts) == 1:
        [only] = parts
        return lambda document, _variables: document.get(only, ABSENT)
    return lambda document, _variables: read(document, parts)


def _list(each: Sequence[Expression]) -> Expression:
    def values(document: Document, variables: Variables) -> list[Any]:
        found = [one(document, variables) for one in each]
        return [None if value is ABSENT else value for value in found]

    return values


def _object(fields: Mapping[str, Expression]) -> Expression:
    def value(document: Document, variables: Variables) -> Document:
        found = {name: each(document, variables) for name, each in fields.items()}
        return {name: each for name, each in found.items() if each is not ABSENT}

    return value


def _operator(name: str, source: Any) -> Expression:
    if name == "$literal":
        return lambda _document, _variables: source
    if name in _LAZY:
        return _LAZY[name](source)
    if name not in _EAGER:
        raise NotHereError(f"the operator {name}")
    work = _EAGER[name]
    operands = [compiled(each) for each in (source if is_list(source) else [source])]
    return lambda document, variables: work([each(document, variables) for each in operands])


def _cond(source: Any) -> Expression:
    parts = source if is_list(source) else [source[each] for each in ("if", "then", "else")]
    condition, then, otherwise = (compiled(each) for each in parts)
    return lambda document, variables: (
        then if holds(condition(document, variables)) else otherwise
    )(document, variables)


def _switch(source: Any) -> Expression:
    branches = [(compiled(each["case"]), compiled(each["then"])) for each in source["branches"]]
    default = compiled(source["default"]) if "default" in source else None

    def chosen(document: Document, variables: Variables) -> Any:
        for case, then in branches:
            if holds(case(document, variables)):
                return then(document, variables)
        if default is None:
            raise ServerError(_NO_BRANCH, "$switch could not find a matching branch")
        return default(document, variables)

    return chosen


def _and(source: Any) -> Expression:
    each = [compiled(one) for one in source]
    return lambda document, variables: all(holds(one(document, variables)) for one in each)


def _or(source: Any) -> Expression:
    each = [compiled(one) for one in source]
    return lambda document, variables: any(holds(one(document, variables)) for one in each)


def _map(source: Any) -> Expression:
    items, made, name = compiled(source["input"]), compiled(source["in"]), source.get("as", "this")

    def mapped(document: Document, variables: Variables) -> Any:
        found = items(document, variables)
        if found is ABSENT or found is None:
            return None
        if not is_list(found):
            raise ServerError(16883, "input to $map must be an array")
        values = [made(document, {**variables, name: each}) for each in found]
        return [None if each is ABSENT else each for each in values]

    return mapped


def _if_null(source: Any) -> Expression:
    each = [compiled(one) for one in source]

    def first(document: Document, variables: Variables) -> Any:
        value: Any = ABSENT
        for one in each:
            value = one(document, variables)
            if value is not ABSENT and value is not None:
                return value
        return value

    return first


def _place(value: Any) -> tuple[Any, ...]:
    """Return where a value stands: an absent one before null, unlike in queries."""
    return (-1,) if value is ABSENT else order(value)


def _in(operands: Sequence[Any]) -> bool:
    value, among = operands
    if not is_list(among):
        raise ServerError(_NOT_A_LIST, "$in requires an array as a second argument")
    return _place(value) in [_place(each) for each in among]


def _all_true(operands: Sequence[Any]) -> bool:
    [found] = operands
    if not is_list(found):
        raise ServerError(17040, "$allElementsTrue's argument must be an array")
    return all(holds(each) for each in found)


def _add(operands: Sequence[Any]) -> Any:
    total: Any = 0
    moment: datetime | None = None
    for each in operands:
        if each is ABSENT or each is None:
            return None
        if isinstance(each, datetime) and moment is None:
            moment = each
        elif numbers.is_number(each):
            total = numbers.add(total, each)
        else:
            raise ServerError(
                _NOT_A_NUMBER, f"$add only supports numeric or date types, not {type_name(each)}"
            )
    return total if moment is None else moment + MILLISECOND * int(total)


def _subtract(operands: Sequence[Any]) -> Any:
    one, other = operands
    if any(each is ABSENT or each is None for each in operands):
        return None
    if isinstance(one, datetime) and isinstance(other, datetime):
        return numbers.fitted(milliseconds(one) - milliseconds(other), numbers.Int64(0))
    if isinstance(one, datetime) and numbers.is_number(other):
        return EPOCH + MILLISECOND * (milliseconds(one) - int(other))
    return _arithmetic("$subtract", _NOT_A_NUMBER, numbers.subtract, one, other)


def _arithmetic(name: str, code: int, work: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    if any(each is ABSENT or each is None for each in (one, other)):
        return None
    if not (numbers.is_number(one) and numbers.is_number(other)):
        raise ServerError(code, f"{name} only supports numeric types")
    if name in ("$divide", "$mod") and not holds(other):
        raise ServerError(2 if name == "$divide" else 16610, f"can't {name} by zero")
    return work(one, other)


def _trunc(operands: Sequence[Any]) -> Any:
    [value] = operands
    if value is ABSENT or value is None:
        return None
    if not numbers.is_number(value):
        raise ServerError(51081, "$trunc only supports numeric types")
    return numbers.truncated(value)


_LAZY: Mapping[str, Callable[[Any], Expression]] = {
    "$and": _and,
    "$cond": _cond,
    "$ifNull": _if_null,
    "$map": _map,
    "$or": _or,
    "$switch": _switch,
}
_EAGER: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "$add": _add,
    "$allElementsTrue": _all_true,
    "$divide": lambda each: _arithmetic("$divide", _NOT_A_NUMBER, numbers.divide, *each),
    "$eq": lambda each: _place(each[0]) == _place(each[1]),
    "$gt": lambda each: _place(each[0]) > _place(each[1]),
    "$gte": lambda each: _place(each[0]) >= _place(each[1]),
    "$in": _in,
    "$isArray": lambda each: is_list(each[0]),
    "$lt": lambda each: _place(each[0]) < _place(each[1]),
    "$lte": lambda each: _place(each[0]) <= _place(each[1]),
    "$mod": lambda each: _arithmetic("$mod", 16611, numbers.remainder, *each),
    "$ne": lambda each: _place(each[0]) != _place(each[1]),
    "$not": lambda each: not holds(each[0]),
    "$subtract": _subtract,
    "$trunc": _trunc,
    "$type": lambda each: type_name(each[0]),
}
