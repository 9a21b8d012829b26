"""What an update makes of a document: a replacement, operators, or a pipeline."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import bson

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo import numbers
from tests.simulation.mongo.expressions import Variables
from tests.simulation.mongo.matching import is_operators
from tests.simulation.mongo.paths import at, put, without
from tests.simulation.mongo.pipelines import run_pipeline
from tests.simulation.mongo.refusals import NotHereError, ServerError
from tests.simulation.mongo.values import ABSENT, equal, is_list, type_name

Change: TypeAlias = Callable[[Document, "list[str]", Any, Variables], Document]


def updated(document: Document, update: Any, variables: Variables, *, new: bool) -> Document:
    """Return what *update* makes of *document*, which stays as it is; *new* is one upserted now.

    Raises:
        ServerError: It cannot be done to this document.
        NotHereError: It has an operator that nobody needed yet.
    """
    if is_list(update):
        [after] = run_pipeline([document], update, variables)
    elif is_operators(update):
        after = _changed(document, update, variables, new=new)
    else:
        after = update if "_id" in update else {"_id": document["_id"], **update}
        if "_id" not in document:
            return update
    if new and "_id" not in document:
        return after
    if not equal(after.get("_id", ABSENT), document["_id"]):
        raise ServerError(
            66,
            "After applying the update, the (immutable) field '_id' was found to have been altered "
            f"to _id: {after.get('_id')}",
        )
    return after


def is_same(before: Document, after: Document, update: Any) -> bool:
    """Say whether nothing of a document would change, not even a type: then nothing is written.

    A replacement that names no id is written all the same: the server compares it before it adds that.
    """
    if before != after or bson.encode(before) != bson.encode(after):
        return False
    return isinstance(update, list) or is_operators(update) or "_id" in update


def from_query(query: Document) -> Document:
    """Return what an upsert begins with: the fields that the query says the value of."""
    document: Document = {}
    for name, condition in query.items():
        if name == "$and":
            for each in condition:
                document |= from_query(each)
        elif name.startswith("$"):
            continue
        elif not is_operators(condition):
            document = put(document, name.split("."), condition)
        elif "$eq" in condition:
            document = put(document, name.split("."), condition["$eq"])
    return document


def _changed(document: Document, update: Document, variables: Variables, *, new: bool) -> Document:
    changes: list[tuple[str, str, Any]] = []
    for operator, fields in update.items():
        if operator not in _CHANGES:
            raise NotHereError(f"the operator {operator} in an update")
        if operator != "$setOnInsert" or new:
            changes += [(path, operator, operand) for path, operand in fields.items()]
    changes.sort(key=lambda change: change[0])  # as the server adds new fields
    for path, operator, operand in changes:
        document = _CHANGES[operator](document, path.split("."), operand, variables)
    return document


def _set(document: Document, parts: list[str], operand: Any, _: Variables) -> Document:
    return put(document, parts, operand)


def _unset(document: Document, parts: list[str], _: Any, __: Variables) -> Document:
    return without(document, parts)


def _inc(document: Document, parts: list[str], operand: Any, _: Variables) -> Document:
    before = at(document, parts)
    if before is ABSENT:
        return put(document, parts, operand)
    if not numbers.is_number(before):
        raise ServerError(
            14,
            f"Cannot apply $inc to a value of non-numeric type. {{_id: {document['_id']}}} has the "
            f"field '{parts[-1]}' of non-numeric type {type_name(before)}",
        )
    after = numbers.add(before, operand)
    if type(after) is float and float not in (type(before), type(operand)):
        raise ServerError(
            2, f"Failed to apply $inc operations to current value for document {document['_id']}"
        )
    return put(document, parts, after)


def _push(document: Document, parts: list[str], operand: Any, _: Variables) -> Document:
    if is_operators(operand):
        raise NotHereError("$push with modifiers")
    before = at(document, parts)
    if before is ABSENT:
        return put(document, parts, [operand])
    if not is_list(before):
        raise ServerError(
            2, f"The field '{parts[-1]}' must be an array but is of type {type_name(before)}"
        )
    return put(document, parts, [*before, operand])


def _current_date(
    document: Document, parts: list[str], operand: Any, variables: Variables
) -> Document:
    if operand is not True:
        raise NotHereError("$currentDate with a type")
    return put(document, parts, variables["NOW"])


_CHANGES: Mapping[str, Change] = {
    "$currentDate": _current_date,
    "$inc": _inc,
    "$push": _push,
    "$set": _set,
    "$setOnInsert": _set,
    "$unset": _unset,
}
