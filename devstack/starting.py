"""How the servers are started: each planned and awaited in a thread of its own."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from devstack import kafka, mongodb, valkey, wheels
from devstack.addresses import ServerName
from devstack.folder import Folder
from devstack.options import StackOptions
from devstack.ports import HOST
from devstack.processes import Processes
from devstack.server import Plan, Server


@dataclass(frozen=True)
class Ground:
    """What the servers are started on."""

    folder: Folder
    ports: Mapping[str, int]
    jars: list[Path]
    processes: Processes


def _starters(options: StackOptions, ground: Ground) -> dict[ServerName, Callable[[], Server]]:
    """Say for each server wanted how to plan and start it, each in a thread of its own."""
    temporary = ground.folder.temporary

    def started(plan: Plan) -> Server:
        options.progress(f"starting {plan.name} on {HOST}:{plan.port}")
        server = Server(plan, ground.processes)
        options.progress(f"{plan.name} is ready")
        return server

    def start_kafka() -> Server:
        home, java = ground.folder.of("kafka"), wheels.java()
        ports = ground.ports["kafka"], ground.ports["controller"]
        plan = kafka.plan(home, ports, java, ground.jars, short_lived=options.short_lived)
        kafka.format_storage(home, java, ground.jars, ground.processes)
        return started(plan)

    def start_mongodb() -> Server:
        home, port = ground.folder.of("mongodb"), ground.ports["mongodb"]
        return started(mongodb.plan(home, port, wheels.mongod(), wheels.openssl_libraries()))

    def start_redis() -> Server:
        home, port, keep = ground.folder.of("redis"), ground.ports["redis"], not temporary
        return started(valkey.plan(home, port, wheels.valkey_server(), keep=keep))

    all_of_them: dict[ServerName, Callable[[], Server]] = {
        "kafka": start_kafka,
        "mongodb": start_mongodb,
        "redis": start_redis,
    }
    return {name: all_of_them[name] for name in all_of_them if name in options.servers}


def start_all(options: StackOptions, ground: Ground) -> dict[ServerName, Server]:
    """Start the servers wanted; when one fails the others are stopped.

    Raises:
        DevStackError: What the first to fail said.
    """
    starters = _starters(options, ground)
    with ThreadPoolExecutor(len(starters), "devstack") as pool:
        futures: dict[ServerName, Future[Server]] = {
            name: pool.submit(starter) for name, starter in starters.items()
        }
        try:
            finished, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
        except BaseException:
            ground.processes.close()  # ends the waiting of the other threads too
            raise
        started: dict[ServerName, Server] = {
            name: future.result() for name, future in futures.items()
        }
    return started
