"""Runs the worker as its own processes, on topics, a database and keys that nobody else uses."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from aiokafka.admin import NewTopic
from pymongo import MongoClient

from contracts.topics import REPLIES, TopicSpec
from devstack.addresses import Addresses
from devstack.patience import Patience, last_lines
from devstack.processes import Processes
from tests.places import REPOSITORY
from workers.config.settings import Settings, load_settings
from workers.kafka.connection import kafka_admin
from workers.kafka.topic_plan import apply_topics
from workers.kafka.topics import create_topics
from workers.keys.ring import KeyRing
from workers.keys.rotation import make_missing

END_MAX_S = 120.0
"""Longer than a worker's own bound for a stop, on a machine that others keep busy too."""
LOG_LINES = 30
PARTITIONS = 3
HTTP_OK = 200
_LISTENS = re.compile(rb"sidecar at (http://[^\s]+:\d+)")


@dataclass(frozen=True)
class RunningService:
    """One installation of the service: its settings, and the worker processes started on it."""

    addresses: Addresses
    folder: Path
    processes: Processes
    environ: Mapping[str, str]
    workers: list["Worker"] = field(default_factory=list["Worker"])

    @property
    def settings(self) -> Settings:
        return load_settings(self.environ, self.folder)

    @property
    def prefix(self) -> str:
        return self.environ["ACCOUNTS_TOPIC_PREFIX"]

    @property
    def database(self) -> str:
        return self.environ["ACCOUNTS_MONGODB_DATABASE"]

    def ring(self) -> KeyRing:
        return KeyRing(self.settings.keys_dir)

    @contextmanager
    def mongodb(self) -> Generator[Any]:
        """Open the service's database, behind its back."""
        client: Any = MongoClient[dict[str, Any]](self.addresses.mongodb)
        with client:
            yield client[self.database]

    def topic(self, spec: TopicSpec | str) -> str:
        """Return the full name of a topic; a string is the name after the prefix."""
        return self.prefix + (spec if isinstance(spec, str) else spec.name)

    def but(self, **settings: str) -> Self:
        """Return the same installation with other settings, for workers started from then on."""
        changed = {f"ACCOUNTS_{name.upper()}": value for name, value in settings.items()}
        # The list of workers is shared on purpose: they all run on the same topics.
        return type(self)(
            self.addresses, self.folder, self.processes, {**self.environ, **changed}, self.workers
        )

    async def prepare(self) -> None:
        """Create the topics and a key of each kind."""
        make_missing(self.settings.keys_dir, datetime.now(tz=UTC))
        await apply_topics(self.settings)

    async def add_reply_topic(self, name: str, partitions: int = 1) -> str:
        """Create a topic that a caller owns; return its full name."""
        topic = f"{self.prefix}{REPLIES}{name}"
        async with kafka_admin(self.settings) as admin:
            await create_topics(admin, [NewTopic(topic, partitions, 1)])
        return topic

    def start_worker(self, *only: str) -> "Worker":
        """Start a worker process (with these roles, else all) and wait until it is ready."""
        worker = self.new_worker(*only)
        worker.wait_ready()
        return worker

    def new_worker(self, *only: str) -> "Worker":
        """Start a worker process and return at once."""
        name = f"worker-{len(self.workers) + 1}"
        worker = Worker(self.processes, name, self.folder / f"{name}.log")
        self.workers.append(worker)
        roles = [word for role in only for word in ("--only", role)]
        others = {
            name: value for name, value in os.environ.items() if not name.startswith("ACCOUNTS_")
        }
        environ = {**others, "PYTHONPATH": str(REPOSITORY), **self.environ}
        argv = [sys.executable, "-m", "workers", "worker", *roles]
        self.processes.start(name, argv, environ, worker.log_path)
        return worker

    def logs(self) -> str:
        """Return all that all workers wrote to their logs."""
        paths = [worker.log_path for worker in self.workers]
        return "\n".join(path.read_text(errors="replace") for path in paths if path.exists())

    def log_ends(self) -> str:
        """Return the last lines of each worker's log, for what was waited for in vain."""
        return "\n".join(f"{worker.name}: {worker.log_end()}" for worker in self.workers)


@dataclass(frozen=True)
class Worker:
    """One worker process; ends with the tests in any case."""

    processes: Processes
    name: str
    log_path: Path

    @property
    def pid(self) -> int | None:
        return self.processes.pid(self.name)

    def wait_ready(self) -> None:
        """Wait until `/health/ready` is green, as long as the worker gets on."""
        patience = Patience(lambda: self.pid, self.log_path)
        while True:
            assert (ended := self.processes.wait(self.name, 0)) is None, (ended, self.log_end())
            if self.is_ready():
                return
            assert patience.lasts(), f"not ready ({patience.waited()}): {self.log_end()}"
            time.sleep(0.02)

    def is_ready(self) -> bool:
        try:
            status, _ = self.get("/health/ready")
        except (OSError, HTTPException):
            return False
        return status == HTTP_OK

    @property
    def sidecar(self) -> str:
        """Where the sidecar listens.

        Raises:
            ConnectionRefusedError: It has not said yet.
        """
        found = _LISTENS.search(self.log_path.read_bytes())
        if found is None:
            raise ConnectionRefusedError("the sidecar has not said yet where it listens")
        return found[1].decode()

    def get(self, path: str) -> tuple[int, str]:
        """Ask the sidecar.

        Raises:
            OSError: It does not answer (yet).
        """
        connection = HTTPConnection(self.sidecar.removeprefix("http://"), timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that carry all *labels*; 0 where there is none."""
        _, text = self.get("/metrics")
        total = 0.0
        for line in text.splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] == name and all(
                f'{label}="{wanted}"' in sample for label, wanted in labels.items()
            ):
                total += float(value)
        return total

    def health(self) -> dict[str, Any]:
        return json.loads(self.get("/health")[1])

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        self.processes.signal(self.name, signal.SIGSTOP)

    def resume(self) -> None:
        self.processes.signal(self.name, signal.SIGCONT)

    def log_end(self) -> str:
        return last_lines(self.log_path, LOG_LINES)

    def _end(self, number: signal.Signals) -> None:
        self.processes.signal(self.name, number)
        ended = self.processes.wait(self.name, END_MAX_S)
        assert ended is not None, f"{self.name} did not end: {self.log_end()}"


def a_service(addresses: Addresses, folder: Path, **settings: str) -> RunningService:
    """Return an installation of its own; `prepare` it, then start workers; `close` it at the end."""
    name = f"t{uuid4().hex[:12]}"
    environ = {
        "ACCOUNTS_KAFKA_BOOTSTRAP": addresses.kafka,
        "ACCOUNTS_MONGODB_URI": addresses.mongodb,
        "ACCOUNTS_REDIS_URL": addresses.redis,
        "ACCOUNTS_TOPIC_PREFIX": f"{name}.",
        "ACCOUNTS_MONGODB_DATABASE": name,
        "ACCOUNTS_LEDGER_GROUP": f"{name}-ledger",
        "ACCOUNTS_IDENTITY_GROUP": f"{name}-identity",
        "ACCOUNTS_SIGNIN_GROUP": f"{name}-sign-ins",
        "ACCOUNTS_SESSIONS_GROUP": f"{name}-sessions",
        "ACCOUNTS_QUERY_GROUP": f"{name}-queries",
        "ACCOUNTS_PARTITIONS": str(PARTITIONS),
        "ACCOUNTS_KEYS_DIR": str(folder / "keys"),
        "ACCOUNTS_SIDECAR_PORT": "0",
        "ACCOUNTS_PASSWORD_BCRYPT_ROUNDS": "4",
    }
    service = RunningService(addresses, folder, Processes(remove=None), environ)
    return service.but(**settings)
