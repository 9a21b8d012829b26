"""What is checked before anything is consumed; each failure says what to do."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from contracts.topics import TOPICS
from storage.mongo.checks import check as check_mongo
from storage.mongo.client import MongoClient
from storage.ports.account_keys import AccountKeys
from storage.ports.errors import StoreCheckError, StoreUnavailableError
from storage.redis import RedisHealth, connect
from workers.bootstrap.clear_text import clear_text_warnings, hosts, is_loopback
from workers.bootstrap.stores import mongo_options, redis_options
from workers.bootstrap.topic_checks import topic_problems, topic_warnings
from workers.config.roles import ALL, Role
from workers.config.settings import ConfigError, Settings
from workers.kafka.connection import KafkaUnreachableError, kafka_admin
from workers.kafka.topics import KafkaRefusedError, read_topics
from workers.keys.ring import KeyRing, KeysError, needed_by

ROUNDS_SAFE_MIN = 10
"""What password storage guides give as the least for bcrypt."""


class CheckFailedError(Exception):
    """The worker must not start; `problems` has one line for each reason."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(slots=True)
class Findings:
    """What was found so far."""

    problems: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])

    @contextmanager
    def noting(self, *kinds: type[Exception]) -> Generator[None]:
        """Take an error of one of *kinds* for a problem, and go on behind the block."""
        try:
            yield
        except kinds as error:
            self.problems.append(str(error))


async def run_checks(settings: Settings, roles: Collection[Role] = ALL) -> list[str]:
    """Look at everything that workers of *roles* need; return warnings for production.

    Raises:
        CheckFailedError: With all that was found wrong.
    """
    found = Findings()
    await _kafka(settings, found)
    await _mongodb(settings, roles, found, _keys(settings, roles, found))
    await _redis(settings, found)
    _passwords(settings, found)
    found.warnings += clear_text_warnings(settings)
    if found.problems:
        raise CheckFailedError(*found.problems)
    return found.warnings


async def _kafka(settings: Settings, found: Findings) -> None:
    names = [settings.topic_prefix + spec.name for spec in TOPICS]
    with found.noting(KafkaUnreachableError, KafkaRefusedError, ConfigError):
        async with kafka_admin(settings) as admin:
            states = await read_topics(admin, names)
        found.problems += topic_problems(states, settings.topic_prefix, settings.state_sweep_s)
        if not all(map(is_loopback, hosts(settings.kafka_bootstrap))):
            # One machine cannot lose one broker and keep the others: nothing to warn of there.
            found.warnings += topic_warnings(states)


async def _mongodb(
    settings: Settings, roles: Collection[Role], found: Findings, keys: AccountKeys | None
) -> None:
    with found.noting(StoreCheckError):
        client = MongoClient(mongo_options(settings, keys))
        try:
            found.warnings += await check_mongo(client, writes=set(roles) != {Role.QUERY})
        finally:
            await client.close()


async def _redis(settings: Settings, found: Findings) -> None:
    with found.noting(StoreCheckError):
        redis = connect(redis_options(settings))
        try:
            await RedisHealth(redis).ping()
        except StoreUnavailableError as error:
            found.warnings.append(f"{error}; the worker runs without it, only slower")
        finally:
            await redis.aclose()


def _keys(settings: Settings, roles: Collection[Role], found: Findings) -> KeyRing | None:
    """Return the keys, unless one is missing."""
    with found.noting(KeysError):
        return KeyRing(settings.keys_dir, needs=needed_by(roles))
    return None


def _passwords(settings: Settings, found: Findings) -> None:
    weak = settings.password_bcrypt_rounds < ROUNDS_SAFE_MIN
    if weak and settings.password_scheme == "bcrypt_sha256":  # noqa: S105 - a name
        found.warnings.append(
            f"ACCOUNTS_PASSWORD_BCRYPT_ROUNDS={settings.password_bcrypt_rounds} is for tests only: "
            f"stolen hashes would be guessed soon; set {ROUNDS_SAFE_MIN} or more"
        )
