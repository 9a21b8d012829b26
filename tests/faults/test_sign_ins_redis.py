"""P8: Redis is killed, flushed and slow while users sign in; nobody gets in by that."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from devstack.stack import Stack
from tests.e2e.caller import open_caller
from tests.e2e.running import RunningService
from tests.e2e.signing import Signed, Signing, guessed_all_day
from tests.faults.promises import eventually
from tests.faults.running_traffic import started
from tests.faults.test_servers_away import NOTICED_MAX_S, RECOVERED_MAX_S, flush
from tests.ports.redis_ways import SlowWay, slow_way
from tests.speed import at_this_speed

WRONG = "not the password of anybody"
GUESSES = 20
LOCKED_MIN_S = 60
"""Far beyond the wait after one failure: all guesses are used up."""
SLOW_S = 5.0
SIGN_IN_MAX_S = 2.0
"""From sending to the reply, without Redis, which nobody asks. On a machine that others keep busy;
one wait for an answer of that Redis would take 5 s."""


@dataclass
class People:
    """Who may get in, and who may not."""

    live: Signed
    ended: Signed
    locked: str
    took_s: list[float] = field(default_factory=list[float])
    """What each sign-in took."""


async def people(signing: Signing) -> People:
    live, ended = await signing.a_session(), await signing.a_session()
    await signing.accepted(signing.logout(ended.username, ended.access))
    locked = await signing.caller.a_user()
    guessed_all_day(signing.caller.service, locked, but=1)
    assert await signing.code(signing.login(locked, WRONG)) == "invalid_credentials"
    assert await signing.code(signing.login(locked)) == "too_many_attempts"
    return People(live, ended, locked)


async def timed_sign_in(signing: Signing, known: People) -> None:
    began = time.monotonic()
    await signing.sign_in(known.live.username)
    known.took_s.append(time.monotonic() - began)


async def only_who_may_gets_in(signing: Signing, known: People) -> None:
    """Sign-in works; ended sessions, lock-outs and counted guesses stay as they are."""
    await timed_sign_in(signing, known)
    known.live = await signing.renew(known.live)
    ended, locked = known.ended, known.locked
    renewal = signing.refresh(ended.username, ended.refresh)
    assert await signing.code(renewal) == "session_ended"
    said = await signing.ask(signing.login(locked))
    assert said.code == "too_many_attempts"
    assert said.body["retry_after_s"] > LOCKED_MIN_S
    victim = await signing.caller.a_user()
    guesses = [signing.login(victim, WRONG) for _ in range(GUESSES)]
    codes = await asyncio.gather(*(signing.code(guess) for guess in guesses))
    assert sorted(map(str, codes)) == [
        "invalid_credentials",
        *["too_many_attempts"] * (GUESSES - 1),
    ], "of guesses at the same time one is tried"
    fresh = await signing.a_session()
    assert (await signing.accepted(signing.logout(fresh.username, fresh.access))).body[
        "sessions_ended"
    ]
    assert await signing.code(signing.refresh(fresh.username, fresh.refresh)) == "session_ended"


@asynccontextmanager
async def signing_in(signing: Signing, known: People) -> AsyncGenerator[None]:
    """Have somebody sign in over and over, until the block ends; each has to work."""
    over = asyncio.Event()

    async def go_on() -> None:
        somebody = People(await signing.a_session(), known.ended, known.locked, known.took_s)
        while not over.is_set():
            await timed_sign_in(signing, somebody)

    going = asyncio.create_task(go_on())
    try:
        yield
    finally:
        over.set()
        await going


async def test_without_redis_sign_in_is_slower_and_no_wider(
    by_default: RunningService, breakable: Stack
) -> None:
    """Killed, away, back with nothing in it, and flushed."""
    async with open_caller(by_default) as caller:
        [worker] = await started(by_default, 1)
        signing = Signing(caller)
        known = await people(signing)
        await only_who_may_gets_in(signing, known)
        async with signing_in(signing, known):
            await asyncio.to_thread(breakable.redis.kill)
            await only_who_may_gets_in(signing, known)
            await eventually(
                lambda: worker.health()["components"]["redis"]["status"] == "down",
                "health shows that it is away",
                NOTICED_MAX_S,
            )
            assert worker.is_ready()
            await only_who_may_gets_in(signing, known)
            await asyncio.to_thread(breakable.redis.restart)
            await eventually(
                lambda: worker.health()["status"] == "ok", "health recovers", RECOVERED_MAX_S
            )
            await only_who_may_gets_in(signing, known)
            await asyncio.to_thread(flush, breakable)
            await only_who_may_gets_in(signing, known)
        assert max(known.took_s) < at_this_speed(SIGN_IN_MAX_S), sorted(known.took_s)[-5:]


@pytest.fixture
async def slowly(breakable: Stack) -> AsyncIterator[tuple[str, SlowWay]]:
    """Yield an address of the same server, and what makes it slow."""
    async with slow_way(breakable.addresses.redis) as way:
        yield way


async def test_with_a_redis_that_takes_five_seconds_nobody_waits_for_it(
    by_default: RunningService, slowly: tuple[str, SlowWay]
) -> None:
    url, way = slowly
    service = by_default.but(redis_url=url)
    async with open_caller(service) as caller:
        [worker] = await started(service, 1)
        signing = Signing(caller)
        known = await people(signing)
        await eventually(lambda: bool(way.connections), "it is looked at", NOTICED_MAX_S)

        async with signing_in(signing, known):
            way.delay_s = SLOW_S
            await only_who_may_gets_in(signing, known)
            await only_who_may_gets_in(signing, known)
            assert worker.is_ready()
            way.delay_s = 0.0
            await only_who_may_gets_in(signing, known)

        assert max(known.took_s) < at_this_speed(SIGN_IN_MAX_S), sorted(known.took_s)[-5:]
