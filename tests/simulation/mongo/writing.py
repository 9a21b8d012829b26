"""The commands that write: insert, update, delete and findAndModify."""

from collections.abc import Callable, Mapping, Sequence

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.reading import matched
from tests.simulation.mongo.refusals import ConflictError, NotHereError, ServerError
from tests.simulation.mongo.request import Request, WriteResult, copied
from tests.simulation.mongo.updating import from_query, is_same, updated

_STATEMENT = frozenset({"q", "u", "upsert", "multi", "limit"})
_FIND_AND_MODIFY = frozenset({"findAndModify", "query", "update", "upsert", "new"})


def insert(request: Request) -> Document:
    """Insert documents, one after the other."""
    request.only(frozenset({"insert", "documents", "ordered"}))
    collection = request.collection_made()

    def one(document: Document) -> WriteResult:
        if "_id" not in document:
            raise NotHereError("an insert without _id")
        collection.insert({"_id": document["_id"], **document}, request.view)
        return WriteResult(matched=1)

    return _reply(_each(request, request.command["documents"], one))


def update(request: Request) -> Document:
    """Change documents, or replace them."""
    request.only(frozenset({"update", "updates", "ordered"}))

    def one(statement: Document) -> WriteResult:
        _check(statement)
        return updated_by(request, statement)

    results = _each(request, request.command["updates"], one)
    upserted = [
        {"index": index, "_id": each}
        for index, result in enumerate(results)
        for each in result.upserted
    ]
    reply = _reply(results)
    if upserted:
        reply["upserted"] = upserted
    return {**reply, "nModified": sum(result.modified for result in results)}


def delete(request: Request) -> Document:
    """Delete the first document that each statement matches, or all of them."""
    request.only(frozenset({"delete", "deletes", "ordered"}))
    collection = request.collection_made()

    def one(statement: Document) -> WriteResult:
        _check(statement)
        found = matched(request, statement["q"])[: statement["limit"] or None]
        for record, _ in found:
            record.claim(request.view.transaction)
        for record, _ in found:
            collection.delete(record, request.view)
        return WriteResult(matched=len(found))

    return _reply(_each(request, request.command["deletes"], one))


def find_and_modify(request: Request) -> Document:
    """Change one document, and answer with it."""
    request.only(_FIND_AND_MODIFY)
    command = request.command
    if not command.get("new"):
        raise NotHereError("findAndModify that answers with what was there before")
    statement = {"q": command["query"], "u": command["update"], "upsert": command.get("upsert")}
    result = updated_by(request, statement)
    last: Document = {"n": result.matched, "updatedExisting": bool(result.matched)}
    query = command["query"]
    if result.upserted:
        last["updatedExisting"] = False
        [last["upserted"]] = result.upserted
        query = {"_id": last["upserted"]}
    found = matched(request, query) if result.matched else []
    value = found[0][1].copied() if found else None
    return {"lastErrorObject": last, "value": value, "ok": 1.0}


def updated_by(request: Request, statement: Document) -> WriteResult:
    """Do one statement of an update.

    Raises:
        ServerError: It cannot be done.
        ConflictError: Somebody else writes the same.
    """
    found = matched(request, statement["q"])
    if not statement.get("multi"):
        found = found[:1]
    if not found:
        return _upserted(request, statement) if statement.get("upsert") else WriteResult()
    changes = [
        (record, before, after)
        for record, before in found
        if not is_same(
            before.document,
            after := updated(before.document, statement["u"], request.variables, new=False),
            statement["u"],
        )
    ]
    collection = request.collection_made()
    for record, _, _ in changes:
        record.claim(request.view.transaction)
    for record, before, after in changes:
        collection.replace(record, before, after, request.view)
    return WriteResult(matched=len(found), modified=len(changes))


def _upserted(request: Request, statement: Document) -> WriteResult:
    begun = from_query(statement["q"])
    document = updated(begun, statement["u"], request.variables, new=True)
    if "_id" not in document:
        raise NotHereError("an upsert without _id")
    request.collection_made().insert({"_id": document["_id"], **document}, request.view)
    return WriteResult(matched=1, upserted=[document["_id"]])


def _each(
    request: Request, statements: Sequence[Document], one: Callable[[Document], WriteResult]
) -> Sequence[WriteResult]:
    """Do the statements that are not done yet; an error ends an ordered command."""
    results = request.results
    is_ordered = request.command.get("ordered", True)
    is_alone = request.view.transaction is not None
    for statement in statements[len(results) :]:
        if results and results[-1].error is not None and (is_ordered or is_alone):
            break
        try:
            results.append(one(statement))
        except ConflictError:
            raise
        except ServerError as error:
            results.append(WriteResult(error=error))
    return results


def _reply(results: Sequence[WriteResult]) -> Document:
    reply: Document = {"n": sum(result.matched for result in results), "ok": 1.0}
    errors = [
        {
            "index": index,
            "code": result.error.code,
            **({k: copied({"": v})[""] for k, v in result.error.more.items()}),
            "errmsg": str(result.error),
        }
        for index, result in enumerate(results)
        if result.error is not None
    ]
    if errors:
        reply["writeErrors"] = errors
    return reply


def _check(statement: Document) -> None:
    for name in statement:
        if name not in _STATEMENT:
            raise NotHereError(f"the option {name} of a write")


COMMANDS: Mapping[str, Callable[[Request], Document]] = {
    "delete": delete,
    "findAndModify": find_and_modify,
    "insert": insert,
    "update": update,
}
