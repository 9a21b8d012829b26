"""The commands that read: find, aggregate, getMore and count."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.collections import StoredCollection
from tests.simulation.mongo.databases import cluster_time
from tests.simulation.mongo.matching import is_operators
from tests.simulation.mongo.pipelines import in_order, projector, run_pipeline
from tests.simulation.mongo.refusals import NotHereError, ServerError
from tests.simulation.mongo.request import Request, copied
from tests.simulation.mongo.versions import Record, Version

BATCH_DOCUMENTS = 101
"""In the first answer, where nobody says otherwise."""

_FIND = frozenset(
    {"find", "filter", "sort", "skip", "limit", "batchSize", "singleBatch", "projection", "hint"}
)
_AGGREGATE = frozenset({"aggregate", "pipeline", "cursor", "hint"})


def find(request: Request) -> Document:
    """Answer with the documents that a filter matches."""
    request.only(_FIND)
    command = request.command
    query = command.get("filter", {})
    found = [version for _, version in matched(request, query)]
    by = command.get("sort")
    if by:
        found = in_order(found, by, lambda version: version.document)
    skip, limit = command.get("skip", 0), command.get("limit", 0)
    if skip or limit:
        found = found[skip : skip + limit if limit else None]
    is_whole = (bool(limit) and len(found) == limit) or (
        list(query) == ["_id"] and _is_one(query["_id"])
    )
    fields = command.get("projection")
    if not fields:
        batch = [version.copied() for version in found]
    else:
        project, variables = projector(fields), request.variables
        batch = [copied(project(version.document, variables)) for version in found]
    return _answer(request, batch, command.get("batchSize", BATCH_DOCUMENTS), is_whole=is_whole)


def aggregate(request: Request) -> Document:
    """Answer with what a pipeline makes of a collection."""
    request.only(_AGGREGATE)
    stages = request.command["pipeline"]
    query: Document = {}
    if stages and "$match" in stages[0]:
        query, stages = stages[0]["$match"], stages[1:]
    documents = [version.document for _, version in matched(request, query)]
    found = run_pipeline(documents, stages, request.variables)
    size = request.command["cursor"].get("batchSize", BATCH_DOCUMENTS)
    return _answer(request, [copied(each) for each in found], size, is_whole=len(found) < size)


def get_more(request: Request) -> Document:
    """Answer with what is left of an earlier answer."""
    request.only(frozenset({"getMore", "collection", "batchSize"}))
    command = request.command
    namespace = f"{request.database}.{command['collection']}"
    found, left = request.cursors.take(command["getMore"], namespace, command.get("batchSize"))
    return {"cursor": {"nextBatch": list(found), "id": left, "ns": namespace}, "ok": 1.0}


def count(request: Request) -> Document:
    """Answer with how many documents a query matches."""
    request.only(frozenset({"count", "query"}))
    query = request.command.get("query")
    collection = request.collection()
    if query:
        return {"n": len(matched(request, query)), "ok": 1.0}
    return {"n": 0 if collection is None else collection.count(), "ok": 1.0}


def matched(request: Request, query: Document) -> list[tuple[Record, Version]]:
    """Return what a query matches: by id where it names them, else in the order it was inserted in.

    Raises:
        ServerError: The command names an index that is not there.
    """
    collection = request.collection()
    if collection is None:
        return []
    _check_hint(collection, request.command.get("hint"))
    found = collection.matched(request.view, query, request.variables)
    if "_id" not in query:
        found.sort(key=_place)
    return found


def _place(found: tuple[Record, Version]) -> int:
    return found[1].place


def _is_one(condition: Any) -> bool:
    return not is_operators(condition)


def _check_hint(collection: StoredCollection, hint: Any) -> None:
    if hint is None or hint in collection.indexes or hint == "_id_":
        return
    if not isinstance(hint, str):
        raise NotHereError("a hint that is no name")
    raise ServerError(
        2,
        "error processing query: planner returned error :: caused by :: hint provided does not "
        "correspond to an existing index",
    )


def _answer(request: Request, batch: Sequence[Document], size: int, *, is_whole: bool) -> Document:
    cursor: Document = {"firstBatch": batch, "id": 0, "ns": request.namespace()}
    if request.command.get("singleBatch"):
        cursor["firstBatch"] = batch[:size]
    elif len(batch) > size or (len(batch) == size and not is_whole):
        cursor["id"] = request.cursors.open(request.namespace(), batch[size:])
        cursor["firstBatch"] = batch[:size]
    concern = request.command.get("readConcern", {}).get("level")
    if (
        concern == "snapshot"
        and request.view.moment is not None
        and request.view.transaction is None
    ):
        cursor["atClusterTime"] = cluster_time(request.view.moment)
    return {"cursor": cursor, "ok": 1.0}


COMMANDS: Mapping[str, Callable[[Request], Document]] = {
    "aggregate": aggregate,
    "count": count,
    "find": find,
    "getMore": get_more,
}
