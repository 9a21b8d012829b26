"""Stages of an aggregation, which turn documents into others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo import numbers
from tests.simulation.mongo.expressions import Expression, Variables, compiled
from tests.simulation.mongo.matching import matcher
from tests.simulation.mongo.paths import put, read, without
from tests.simulation.mongo.refusals import NotHereError
from tests.simulation.mongo.values import ABSENT, is_list, key_of, order

Item = TypeVar("Item")
Stage: TypeAlias = Callable[[Sequence[Document], Any, Variables], Sequence[Document]]


def run_pipeline(
    documents: Sequence[Document], stages: Sequence[Document], variables: Variables
) -> Sequence[Document]:
    """Return what comes out of the last of *stages*.

    Raises:
        ServerError: A stage cannot be applied to one of the documents.
        NotHereError: One of them is none that anybody needed yet.
    """
    for stage in stages:
        [(name, operand)] = stage.items()
        if name not in _STAGES:
            raise NotHereError(f"the stage {name}")
        documents = _STAGES[name](documents, operand, variables)
    return documents


def in_order(
    items: Sequence[Item], by: Document, document_of: Callable[[Item], Document]
) -> list[Item]:
    """Return *items* sorted by their documents, those that are alike as they were."""
    found = list(items)
    for path, direction in reversed(by.items()):
        place = _place(path.split("."), max if direction < 0 else min)
        found.sort(key=lambda item: place(document_of(item)), reverse=direction < 0)
    return found


def _place(parts: list[str], of_many: Callable[..., Any]) -> Callable[[Document], Any]:
    """Return where a document stands: by a list, where its least or greatest element does."""

    def place(document: Document) -> Any:
        value = read(document, parts)
        if is_list(value):
            return of_many((order(each) for each in value), default=(0, -1))
        return order(value)

    return place


def projector(fields: Document) -> Callable[[Document, Variables], Document]:
    """Return what takes those *fields* from a document, and its id unless it is left out; or computes them."""
    takes_id = bool(fields.get("_id", 1))
    sources: list[tuple[str, Expression]] = []
    for name, operand in fields.items():
        if name == "_id" and operand in (0, 1):
            continue
        if (operand in (0, False) and numbers.is_number(operand)) or "." in name:
            raise NotHereError("a projection that leaves out fields, or goes into them")
        sources.append((name, compiled("$" + name if _is_kept(operand) else operand)))

    def projected(document: Document, variables: Variables) -> Document:
        made: Document = {}
        if takes_id and "_id" in document:
            made["_id"] = document["_id"]
        for name, source in sources:
            value = source(document, variables)
            if value is not ABSENT:
                made[name] = value
        return made

    return projected


def _is_kept(operand: Any) -> bool:
    return operand is True or numbers.is_number(operand)


def _match(documents: Sequence[Document], operand: Any, variables: Variables) -> list[Document]:
    test = matcher(operand, variables)
    return [document for document in documents if test(document)]


def _project(documents: Sequence[Document], operand: Any, variables: Variables) -> list[Document]:
    project = projector(operand)
    return [project(document, variables) for document in documents]


def _set(documents: Sequence[Document], operand: Any, variables: Variables) -> list[Document]:
    fields = [(name.split("."), compiled(source)) for name, source in operand.items()]
    return [_with(document, fields, variables) for document in documents]


def _with(
    document: Document, fields: Sequence[tuple[list[str], Expression]], variables: Variables
) -> Document:
    after = document
    for parts, expression in fields:
        value = expression(document, variables)
        after = without(after, parts) if value is ABSENT else put(after, parts, value)
    return after


def _facet(documents: Sequence[Document], operand: Any, variables: Variables) -> list[Document]:
    return [
        {name: list(run_pipeline(documents, stages, variables)) for name, stages in operand.items()}
    ]


def _count(documents: Sequence[Document], operand: Any, _: Variables) -> list[Document]:
    return [{operand: len(documents)}] if documents else []


def _unwind(documents: Sequence[Document], operand: Any, _: Variables) -> list[Document]:
    if not isinstance(operand, str):
        raise NotHereError("$unwind with options")
    parts = operand[1:].split(".")
    made: list[Document] = []
    for document in documents:
        value = read(document, parts)
        if is_list(value):
            made += [put(document, parts, each) for each in value]
        elif value is not ABSENT and value is not None:
            made.append(document)
    return made


def _group(documents: Sequence[Document], operand: Any, variables: Variables) -> list[Document]:
    by = compiled(operand["_id"])
    sums: dict[str, Expression] = {}
    for name, accumulator in operand.items():
        if name != "_id":
            [(operator, source)] = accumulator.items()
            if operator != "$sum":
                raise NotHereError(f"the accumulator {operator}")
            sums[name] = compiled(source)
    groups: dict[Any, Document] = {}
    for document in documents:
        value = by(document, variables)
        value = None if value is ABSENT else value
        group = groups.setdefault(key_of(value), {"_id": value, **dict.fromkeys(sums, 0)})
        for name, expression in sums.items():
            if numbers.is_number(found := expression(document, variables)):
                group[name] = numbers.add(group[name], found)
    return list(groups.values())


def _itself(document: Document) -> Document:
    return document


_STAGES: Mapping[str, Stage] = {
    "$addFields": _set,
    "$count": _count,
    "$facet": _facet,
    "$group": _group,
    "$limit": lambda documents, operand, _: documents[:operand],
    "$match": _match,
    "$project": _project,
    "$set": _set,
    "$skip": lambda documents, operand, _: documents[operand:],
    "$sort": lambda documents, operand, _: in_order(documents, operand, _itself),
    "$unwind": _unwind,
}
