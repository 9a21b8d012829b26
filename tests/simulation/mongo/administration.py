"""The commands that are about the server itself, or about whole collections."""

from collections.abc import Callable, Mapping
from typing import Any

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.collections import ID_INDEX, StoredCollection
from tests.simulation.mongo.databases import name_in
from tests.simulation.mongo.indexes import Index
from tests.simulation.mongo.refusals import NotHereError, ServerError
from tests.simulation.mongo.request import Request

LIFETIME = "transactionLifetimeLimitSeconds"
_OK: Document = {"ok": 1.0}


def _ping(_: Request) -> Document:
    return dict(_OK)


def _hello(_: Request) -> Document:
    return {"isWritablePrimary": True, "setName": "simulated", "maxWireVersion": 17, "ok": 1.0}


def _configuration(request: Request) -> Document:
    _admin_only(request)
    return {"config": {"_id": "simulated", "writeConcernMajorityJournalDefault": True}, "ok": 1.0}


def _parameter(request: Request) -> Document:
    _admin_only(request)
    request.only(frozenset({"getParameter", LIFETIME}))
    return {LIFETIME: request.sessions.lifetime_s, "ok": 1.0}


def _set_parameter(request: Request) -> Document:
    _admin_only(request)
    request.only(frozenset({"setParameter", LIFETIME}))
    before = request.sessions.lifetime_s
    request.sessions.lifetime_s = request.command[LIFETIME]
    return {"was": before, "ok": 1.0}


def _kill_all_sessions(request: Request) -> Document:
    request.sessions.abort_all()
    return dict(_OK)


def _admin_only(request: Request) -> None:
    if request.database != "admin":
        name = next(iter(request.command))
        raise ServerError(13, f"{name} may only be run against the admin database.")


def _create(request: Request) -> Document:
    request.only(frozenset({"create"}))
    if request.collection() is not None:
        raise ServerError(48, f"Collection {request.namespace()} already exists.")
    request.collection_made()
    return dict(_OK)


def _drop(request: Request) -> Document:
    collection = request.collection()
    if collection is None:
        raise ServerError(26, "ns not found")
    request.databases.drop(request.database, name_in(request.command))
    return {"nIndexesWas": len(collection.indexes) + 1, "ns": request.namespace(), "ok": 1.0}


def _drop_database(request: Request) -> Document:
    request.databases.drop(request.database)
    return {"dropped": request.database, "ok": 1.0}


def _list_collections(request: Request) -> Document:
    request.only(frozenset({"listCollections", "nameOnly", "authorizedCollections"}))
    names = request.databases.of(request.database)
    batch = [{"name": name, "type": "collection"} for name in names]
    namespace = f"{request.database}.$cmd.listCollections"
    return {"cursor": {"id": 0, "ns": namespace, "firstBatch": batch}, "ok": 1.0}


def _list_indexes(request: Request) -> Document:
    collection = _there(request)
    batch = [dict(ID_INDEX), *(dict(each.specification) for each in collection.indexes.values())]
    return {"cursor": {"id": 0, "ns": request.namespace(), "firstBatch": batch}, "ok": 1.0}


def _create_indexes(request: Request) -> Document:
    request.only(frozenset({"createIndexes", "indexes"}))
    was_there = request.collection() is not None
    collection = request.collection_made()
    before = len(collection.indexes) + 1
    for specification in request.command["indexes"]:
        index = Index(specification)
        if _is_new(collection, index):
            collection.add_index(index)
    after = len(collection.indexes) + 1
    made: Document = {
        "createdCollectionAutomatically": not was_there,
        "commitQuorum": "votingMembers",
    }
    if after == before:
        made = {"note": "all indexes already exist"}
    return {"numIndexesBefore": before, "numIndexesAfter": after, **made, "ok": 1.0}


def _is_new(collection: StoredCollection, index: Index) -> bool:
    for other in collection.indexes.values():
        if other.specification == index.specification:
            return False
        if other.name == index.name:
            is_alike = list(other.pattern.items()) == list(index.pattern.items())
            raise (
                ServerError(86, "An existing index has the same name as the requested index.")
                if is_alike or other.pattern != index.pattern
                else NotHereError("this index")
            )
        if list(other.pattern.items()) == list(index.pattern.items()):
            raise ServerError(85, "Index already exists with a different name or options")
    return True


def _drop_indexes(request: Request) -> Document:
    request.only(frozenset({"dropIndexes", "index"}))
    collection = _there(request)
    was = len(collection.indexes) + 1
    name: Any = request.command["index"]
    if collection.indexes.pop(name, None) is None:
        raise ServerError(27, f"index not found with name [{name}]")
    return {"nIndexesWas": was, "ok": 1.0}


def _there(request: Request) -> StoredCollection:
    collection = request.collection()
    if collection is None:
        raise ServerError(26, f"ns does not exist: {request.namespace()}")
    return collection


COMMANDS: Mapping[str, Callable[[Request], Document]] = {
    "create": _create,
    "createIndexes": _create_indexes,
    "drop": _drop,
    "dropDatabase": _drop_database,
    "dropIndexes": _drop_indexes,
    "getParameter": _parameter,
    "hello": _hello,
    "killAllSessions": _kill_all_sessions,
    "listCollections": _list_collections,
    "listIndexes": _list_indexes,
    "ping": _ping,
    "replSetGetConfig": _configuration,
    "setParameter": _set_parameter,
}
