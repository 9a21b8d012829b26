"""Fields by their dotted names, into documents and lists."""

from collections.abc import Sequence
from typing import Any

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.refusals import NotHereError, ServerError
from tests.simulation.mongo.values import ABSENT, is_document, is_list

_CANNOT_CREATE = 28


def reached(document: Any, parts: Sequence[str]) -> list[Any]:
    """Return every value that a query finds under a path: lists on the way are looked into."""
    found: list[Any] = [document]
    for part in parts:
        found = [value for each in found for value in _step(each, part)]
    return found


def _step(value: Any, part: str) -> list[Any]:
    if is_document(value):
        return [value.get(part, ABSENT)]
    if is_list(value):
        found = [each.get(part, ABSENT) for each in value if is_document(each)]
        if part.isdigit() and int(part) < len(value):
            found.append(value[int(part)])
        return found
    return [ABSENT]


def read(document: Any, parts: Sequence[str]) -> Any:
    """Return what an expression finds under a path: of a list, the list of what is in its elements."""
    value = document
    for place, part in enumerate(parts):
        if is_list(value):
            inner = [read(each, parts[place:]) for each in value if is_document(each)]
            return [each for each in inner if each is not ABSENT]
        if not is_document(value):
            return ABSENT
        value = value.get(part, ABSENT)
    return value


def at(document: Document, parts: Sequence[str]) -> Any:
    """Return what an update finds under a path: elements of lists by their numbers."""
    value: Any = document
    for part in parts:
        if is_document(value):
            value = value.get(part, ABSENT)
        elif is_list(value) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def put(document: Document, parts: Sequence[str], value: Any) -> Document:
    """Return *document* with *value* under the path; nothing that was there before is changed."""
    return _put(document, parts, value)


def _put(holder: Any, parts: Sequence[str], value: Any) -> Any:
    if not parts:
        return value
    part = parts[0]
    if is_list(holder):
        if not part.isdigit():
            raise ServerError(_CANNOT_CREATE, f"Cannot create field '{part}' in an array")
        place, copied = int(part), list[Any](holder)
        copied += [None] * (place + 1 - len(copied))
        copied[place] = _put(copied[place], parts[1:], value)
        return copied
    if holder is ABSENT or (holder is None and parts):
        holder = {} if holder is ABSENT else holder
    if not is_document(holder):
        raise ServerError(_CANNOT_CREATE, f"Cannot create field '{part}' in an element")
    return {**holder, part: _put(holder.get(part, ABSENT), parts[1:], value)}


def without(document: Document, parts: Sequence[str]) -> Document:
    """Return *document* without what is under the path."""
    if at(document, parts) is ABSENT:
        return document
    holder = at(document, parts[:-1])
    if not is_document(holder):
        raise NotHereError("$unset of an element of a list")
    left = {name: each for name, each in holder.items() if name != parts[-1]}
    return _put(document, parts[:-1], left)
