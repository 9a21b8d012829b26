"""The service under test: how its processes are started, and how its accounts come to be."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from benchmarks.processes import BenchError, Child
from benchmarks.traffic import movement, username
from client.sealing import ReplyKeyPair, seal
from contracts import topics
from contracts.sealing import Purpose
from contracts.sessions import Login, ReplyKey
from contracts.topics import TopicSpec
from workers.keys.pairs import KeyKind
from workers.keys.rotation import make_missing

Record: TypeAlias = tuple[str, str, bytes]
"""Topic, key, value."""

SEED_MINOR = 100_000_000
"""First deposit of every account, a million: far above what random withdrawals ever take."""

SEED_ROUNDS = "4"
"""bcrypt's least cost while the accounts are opened: 10,000 at the default cost take 40 minutes
of CPU, and nothing is measured there."""

PASSWORD = "a passphrase nobody uses twice 7"  # noqa: S105 - of accounts that live for minutes

VERIFY_S = 600.0

IMPORTS_S = 30.0

IMPORTS = """
import client, contracts, handlers, storage, workers
for package in (client, contracts, handlers, storage, workers):
    print(package.__file__)
"""
"""Says where the packages of a process come from; the modules in them come from the same place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where one instance of the service works, and with what."""

    kafka: str
    mongodb: str
    redis: str
    folder: Path
    """Of this run: keys and logs."""
    prefix: str = "accounts."
    database: str = "accounts_bench"
    checkout: Path | None = None
    """Whose code runs (its full path), where it is not simply ours."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its processes are told besides."""

    def topic(self, spec: TopicSpec) -> str:
        """Return the topic's full name."""
        return self.prefix + spec.name

    @property
    def outputs(self) -> tuple[str, str, str]:
        """The three topics that every accepted movement leaves one record in."""
        published = (topics.RESULTS, topics.BALANCE_EVENTS, topics.AUDIT_EVENTS)
        results, balances, audit = (self.topic(spec) for spec in published)
        return results, balances, audit

    def env(self) -> dict[str, str]:
        """Return the settings of every process of the service; the rest are the defaults."""
        return {
            "ACCOUNTS_KAFKA_BOOTSTRAP": self.kafka,
            "ACCOUNTS_MONGODB_URI": self.mongodb,
            "ACCOUNTS_MONGODB_DATABASE": self.database,
            "ACCOUNTS_REDIS_URL": self.redis,
            "ACCOUNTS_TOPIC_PREFIX": self.prefix,
            "ACCOUNTS_KEYS_DIR": str(self.folder / "keys"),
            "ACCOUNTS_SIDECAR_PORT": "0",
            # Before the installed packages, ours among them.
            **({"PYTHONPATH": str(self.checkout)} if self.checkout else {}),
            **self.settings,
        }

    async def require_code_of(self, checkout: Path) -> None:
        """Raise `BenchError` if a process started by us would not run the code in *checkout*."""
        log = self.folder / f"imports-{time.monotonic_ns()}.log"
        child = await Child.start("the imports", ("-c", IMPORTS), env=self.env(), log=log)
        status, lines = await child.finish(IMPORTS_S), child.tail()
        if status != 0:
            raise BenchError(f"{checkout} is not a checkout of this project:\n{lines}")
        found = [Path(line) for line in lines.splitlines()]
        if strays := [path for path in found if not path.is_relative_to(checkout)]:
            raise BenchError(f"{checkout} would run code from elsewhere: {strays[0]}")

    async def run(self, *arguments: str, timeout_s: float = 60.0) -> tuple[int, str]:
        """Run `accounts *arguments*` to its end; return its status and its last lines."""
        child = await self._start(arguments, {})
        return await child.finish(timeout_s), child.tail()

    async def prepare(self) -> dict[str, Any]:
        """Create the topics and the keys; return what to seal to."""
        status, lines = await self.run("topics", "apply")
        if status != 0:
            raise BenchError(f"`accounts topics apply` ended with status {status}:\n{lines}")
        made = make_missing(self.folder / "keys", datetime.now(tz=UTC))
        return next(key.public_jwk() for key in made if key.kind is KeyKind.SEALING)

    async def start_worker(self, **settings: str) -> Child:
        """Start the worker as an operator would, with *settings* beside the defaults."""
        return await self._start(("worker",), settings)

    async def _start(self, arguments: tuple[str, ...], settings: Mapping[str, str]) -> Child:
        log = self.folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
        return await Child.start(
            f"accounts {' '.join(arguments)}",
            ("-m", "workers", *arguments),
            env=self.env() | dict(settings),
            log=log,
        )

    def registrations(
        self, key: Mapping[str, Any], names: list[str], *, issued_at: datetime
    ) -> Iterator[Record]:
        """Yield the command that opens each account."""
        for name in names:
            command_id = f"register-{name}"
            sealed = seal(
                PASSWORD,
                key=key,
                purpose=Purpose.REGISTER_PASSWORD,
                command_id=command_id,
                username=name,
                issued_at=issued_at,
            )
            body = {
                "command_id": command_id,
                "username": name,
                "email": f"{name}@example.com",
                "first_name": "Bench",
                "last_name": "Mark",
                "sealed_password": sealed,
            }
            yield self.topic(topics.REGISTER), name, orjson.dumps(body)

    def sign_ins(
        self,
        key: Mapping[str, Any],
        names: Iterable[str],
        *,
        run: str,
        issued_at: datetime,
        password: str = PASSWORD,
    ) -> Iterator[Login]:
        """Yield a request to sign in for each name; *run* keeps their ids apart from others'."""
        reply_key = ReplyKeyPair()
        for name in names:
            request_id = f"{run}-{name}"
            sealed = seal(
                password,
                key=key,
                purpose=Purpose.LOGIN_PASSWORD,
                command_id=request_id,
                username=name,
                issued_at=issued_at,
                reply_key=reply_key.public,
            )
            yield Login(
                request_id=request_id,
                username=name,
                sealed_password=sealed,
                reply_key=ReplyKey.model_validate(reply_key.public),
            )

    def first_deposits(self, users: int) -> Iterator[Record]:
        """Yield the command that gives each account its first money."""
        for user in range(users):
            value = movement(f"seed-{user}", user, SEED_MINOR)
            yield self.topic(topics.DEPOSIT), username(user), value
