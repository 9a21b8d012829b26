"""The lease and the health check on real Redis-protocol servers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from time import time
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from devstack.choose import Chosen
from storage.memory.ledger import MemoryLedger
from storage.ports.errors import StoreCheckError, StoreUnavailableError
from storage.redis import RedisHealth, RedisLease, RedisOptions, connect
from tests.ports.waiting import until
from tests.simulation.mongo.sides import Scripted
from tests.simulation.network import Network
from tests.simulation.redis.driver import connecting
from tests.simulation.redis.server import RedisServer
from tests.unit.docs_tables import ACCESS

LONG = timedelta(minutes=1)


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.redis)])
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    """Yield a connection to a server of each kind."""
    if request.param == "simulated":
        simulated = connecting(RedisServer(time), Network(Scripted()))
        client: Redis = simulated(RedisOptions(url="redis://simulated/0"))
    else:
        stack: Chosen = request.getfixturevalue("stack")
        client = connect(RedisOptions(url=stack.addresses.redis))
    yield client
    await client.aclose()


@pytest.fixture
def name() -> str:
    """Return a lease of the test's own."""
    return uuid4().hex


class Leases:
    """Makes leases that count their fencing tokens in the same place."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self._name = name
        self._next_token = MemoryLedger().next_fencing_token

    def one(self, ttl: timedelta = LONG, *, redis: Redis | None = None) -> RedisLease:
        return RedisLease(
            redis or self._redis, name=self._name, ttl=ttl, next_token=self._next_token
        )


@pytest.fixture
def leases(redis: Redis, name: str) -> Leases:
    """Return a maker of leases of one name."""
    return Leases(redis, name)


async def test_one_holds_it_at_a_time(leases: Leases) -> None:
    mine, other = leases.one(), leases.one()

    assert await mine.acquire() == 1
    assert await other.acquire() is None
    assert await mine.acquire() is None


async def test_released_it_is_free(leases: Leases) -> None:
    mine, other = leases.one(), leases.one()
    await mine.acquire()

    await mine.release()

    assert await other.acquire() == 2


async def test_another_cannot_release_or_renew_it(leases: Leases) -> None:
    mine, other = leases.one(), leases.one()
    await mine.acquire()

    await other.release()

    assert not await other.renew()
    assert await mine.renew()


async def test_before_it_is_acquired_there_is_nothing_to_renew_or_release(leases: Leases) -> None:
    mine = leases.one()

    await mine.release()

    assert not await mine.renew()
    assert await mine.acquire() == 1


async def test_a_lost_lease_is_not_released_for_whoever_has_it_now(
    leases: Leases, redis: Redis, name: str
) -> None:
    mine, other = leases.one(), leases.one()
    await mine.acquire()
    await redis.delete(f"lease:{name}")
    await other.acquire()

    await mine.release()

    assert await other.renew()


async def test_a_server_that_forgot_its_scripts_is_told_them_again(
    leases: Leases, redis: Redis
) -> None:
    """P8: it was restarted, or another has taken over."""
    mine, other = leases.one(), leases.one()
    await mine.acquire()

    await redis.script_flush()
    assert await mine.renew()
    await redis.script_flush()
    await mine.release()

    assert await other.acquire() == 2


async def test_it_ends_by_itself(leases: Leases, redis: Redis, name: str) -> None:
    mine, other = leases.one(timedelta(milliseconds=30)), leases.one()
    await mine.acquire()

    async def expired() -> bool:
        return not await redis.exists(f"lease:{name}")

    await until(expired)

    assert not await mine.renew()
    assert await other.acquire() == 2
    assert not await mine.renew()


async def test_renewing_starts_its_time_again(leases: Leases, redis: Redis, name: str) -> None:
    mine = leases.one(LONG)
    await mine.acquire()
    await redis.pexpire(f"lease:{name}", 5000)

    assert await mine.renew()

    assert await redis.pttl(f"lease:{name}") > 50_000


async def test_flushed_it_is_lost(leases: Leases, redis: Redis, name: str) -> None:
    """P8."""
    mine, other = leases.one(), leases.one()
    await mine.acquire()
    await redis.delete(f"lease:{name}")

    assert not await mine.renew()
    assert await other.acquire() == 2


async def test_its_names_do_not_meet(redis: Redis) -> None:
    first, second = Leases(redis, uuid4().hex).one(), Leases(redis, uuid4().hex).one()

    assert await first.acquire() == 1
    assert await second.acquire() == 1


def rights() -> list[str]:
    """Return what docs/access.md has an operator grant the housekeeper in Redis."""
    [row] = [
        line
        for line in ACCESS.read_text("utf-8").splitlines()
        if line.startswith("| housekeeper |")
    ]
    granted = row.replace("\\|", "!").split("|")[-2].replace("!", "|")
    return granted.strip(" `").split()


@pytest.mark.redis
@pytest.mark.parametrize("redis", ["real"], indirect=True)
class TestItsRights:
    @pytest.fixture
    async def keeps_house(
        self, stack: Chosen, redis: Redis
    ) -> AsyncIterator[Callable[[Sequence[str]], Awaitable[None]]]:
        """Yield what does all that a housekeeper asks of Redis, as a user with those rights."""
        user = uuid4().hex
        leases = Leases(redis, f"accounts.{user}")

        async def acl(*words: str) -> None:
            await redis.execute_command("ACL", *words)  # pyright: ignore[reportUnknownMemberType]

        async def keep(granted: Sequence[str]) -> None:
            await acl("SETUSER", user, "reset", "on", "nopass", *granted)
            await redis.script_flush()
            restricted = connect(
                RedisOptions(url=stack.addresses.redis, username=user, password="any")
            )
            lease = leases.one(redis=restricted)
            try:
                await RedisHealth(restricted).ping()
                assert await lease.acquire()
                assert await lease.renew()
                await lease.release()
                assert await leases.one().acquire()
            finally:
                await restricted.aclose()

        yield keep
        await acl("DELUSER", user)

    async def test_suffice(self, keeps_house: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        await keeps_house(rights())

    @pytest.mark.parametrize("without", rights())
    async def test_are_all_needed(
        self, keeps_house: Callable[[Sequence[str]], Awaitable[None]], without: str
    ) -> None:
        with pytest.raises(StoreUnavailableError, match="Redis refuses"):
            await keeps_house([right for right in rights() if right != without])


async def test_a_server_that_answers_is_healthy(redis: Redis) -> None:
    await RedisHealth(redis).ping()


async def test_nobody_there_is_unavailable(name: str) -> None:
    with socket.socket() as taken:  # bound but not listening: refuses
        taken.bind(("127.0.0.1", 0))
        redis = connect(RedisOptions(url=f"redis://127.0.0.1:{taken.getsockname()[1]}/0"))

        with pytest.raises(StoreUnavailableError, match=r"Redis does not answer"):
            await RedisHealth(redis).ping()
        with pytest.raises(StoreUnavailableError, match=r"Redis does not answer"):
            await Leases(redis, name).one().acquire()
        await redis.aclose()


async def test_a_silent_server_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        redis = connect(RedisOptions(url=f"redis://127.0.0.1:{port}/0", timeout_ms=100))

        async with asyncio.timeout(5):
            with pytest.raises(StoreUnavailableError):
                await RedisHealth(redis).ping()
        await redis.aclose()


@pytest.mark.parametrize(
    "options",
    [
        RedisOptions(url="http://:secret@127.0.0.1/0"),
        RedisOptions(url="redis://:secret@127.0.0.1:port/0"),
        RedisOptions(url="redis://:secret@127.0.0.1/0", tls_ca_file="ca.pem"),
    ],
)
def test_a_wrong_address_says_what_to_write(options: RedisOptions) -> None:
    """P9: the message may end in a log, so the address stays out of it."""
    with pytest.raises(StoreCheckError, match=r"rediss?://") as caught:
        connect(options)

    assert "secret" not in str(caught.value)
    assert "secret" not in repr(options)
