#!/usr/bin/env python3
"""Makes one MongoDB user for each role, with the rights it needs and no others; the table is in docs/access.md.

    deploy/mongodb_users.py 'mongodb://admin:…@mongo-1/?replicaSet=rs0&tls=true' [database]

It needs pymongo, which every worker has. A role's user is made where its password stands in the
environment, such as MONGODB_PASSWORD_LEDGER; run again, it sets rights and password anew. Users are
named accounts-ledger and so on, and sign in with `authSource` the database itself. Who runs several
workers in one process gives a user several roles: MONGODB_PASSWORD_WORKER makes one with all four.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

LOOK = ("find", "listIndexes")
WORK = (*LOOK, "insert", "update", "remove")
SCHEMA = ("listCollections", "listIndexes", "createCollection", "createIndex")

LEDGER = ("accounts", "emails", "names", "outcomes", "registrations", "writers", "leases")
IDENTITY = ("credentials", "sessions", "requests", "throttles")

RUNS = {"processes": WORK, "schema": LOOK}
"""Every worker says that it runs, and looks at the number of the data; who makes the collections notes the
first one, and `accounts schema upgrade`, as the repairer, changes it."""

BEGINS = {**RUNS, "schema": (*LOOK, "insert")}

RIGHTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ledger": {
        "": SCHEMA,
        **dict.fromkeys(LEDGER, WORK),
        "houses": (*LOOK, "insert", "update"),
        **BEGINS,
    },
    "identity": {
        "": SCHEMA,
        **dict.fromkeys((*IDENTITY, "leases"), WORK),
        "accounts": LOOK,
        "outcomes": LOOK,
        "registrations": (*LOOK, "remove"),
        **BEGINS,
    },
    "query": {**dict.fromkeys(("accounts", "outcomes", "credentials"), LOOK), **RUNS},
    "housekeeper": {
        "": (*SCHEMA, "find"),
        **dict.fromkeys(("leases", "houses"), WORK),
        "accounts": ("update",),
        **BEGINS,
    },
    "operator": {"": ("find", "listCollections", "listIndexes")},
    "repairer": {"": (*SCHEMA, *WORK)},
}
"""Role → collection → what it may do there; no name means every collection of the database."""

WORKERS = ("ledger", "identity", "query", "housekeeper")
"""Their users may also read how the replica set is configured: they check that at their start."""


def main(uri: str, name: str = "accounts") -> None:
    """Make the roles, and the users whose passwords are there."""
    with MongoClient[dict[str, Any]](uri) as client:
        database = client[name]
        roles = {each["role"] for each in database.command("rolesInfo", 1)["roles"]}
        for role in RIGHTS:
            _make_role(database, role, known=f"accounts-{role}" in roles)
        for user in (*RIGHTS, "worker"):
            if password := os.environ.get(f"MONGODB_PASSWORD_{user.upper()}"):
                _make_user(database, user, password)
                print(f"accounts-{user}")


def _make_role(database: Database[dict[str, Any]], role: str, *, known: bool) -> None:
    privileges = [
        {"resource": {"db": database.name, "collection": collection}, "actions": list(actions)}
        for collection, actions in RIGHTS[role].items()
    ]
    command = "updateRole" if known else "createRole"
    database.command(command, f"accounts-{role}", privileges=privileges, roles=[])


def _make_user(database: Database[dict[str, Any]], user: str, password: str) -> None:
    granted = WORKERS if user == "worker" else (user,)
    roles: list[Any] = [f"accounts-{role}" for role in granted]
    if set(granted) <= set(WORKERS):
        roles.append({"role": "clusterMonitor", "db": "admin"})
    known = bool(database.command("usersInfo", f"accounts-{user}")["users"])
    command = "updateUser" if known else "createUser"
    database.command(command, f"accounts-{user}", pwd=password, roles=roles)


if __name__ == "__main__":
    main(*sys.argv[1:])
