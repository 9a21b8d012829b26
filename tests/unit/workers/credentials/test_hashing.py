"""Hashes: of any password, by the policy, on threads that give way."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from passlib.context import CryptContext

from workers.credentials.hashing import (
    AHEAD_IN_A_ROW_MAX,
    NICENESS,
    HashingPolicy,
    LowPriorityPool,
    PasswordHasher,
)

CHEAP = HashingPolicy(bcrypt_rounds=4)
ARGON = HashingPolicy(scheme="argon2id", argon2_memory_kib=64, argon2_time_cost=1)


@pytest.fixture
def pool() -> Iterator[LowPriorityPool]:
    pool = LowPriorityPool("hashing", 1)
    yield pool
    pool.close()


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def verifies(password: str, hashed: str) -> bool:
    context = CryptContext(schemes=["bcrypt_sha256", "argon2"])
    return bool(context.verify(password, hashed))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - no types


@pytest.mark.parametrize("policy", [CHEAP, ARGON], ids=lambda policy: policy.scheme)
class TestAHash:
    @pytest.mark.parametrize(
        "password",
        ["eight888", "x" * 72, "x" * 73, "\u20ac" * 24 + "y", "\U0001f600" * 256, "nul\0inside"],
        ids=["8", "72", "73", "73 bytes", "1024 bytes", "nul"],
    )
    async def test_is_of_the_whole_password(
        self, pool: LowPriorityPool, policy: HashingPolicy, password: str
    ) -> None:
        hashed = await PasswordHasher(policy, pool).hash(password)

        assert verifies(password, hashed)
        assert not verifies(password[:-1] + "z", hashed)
        assert not verifies(password[:-1], hashed)

    async def test_is_salted(self, pool: LowPriorityPool, policy: HashingPolicy) -> None:
        hasher = PasswordHasher(policy, pool)

        assert await hasher.hash("the same") != await hasher.hash("the same")


class TestThePolicy:
    async def test_sets_the_scheme_and_its_cost(self, pool: LowPriorityPool) -> None:
        bcrypt = await PasswordHasher(HashingPolicy(bcrypt_rounds=5), pool).hash("password")
        argon = await PasswordHasher(ARGON, pool).hash("password")

        assert bcrypt.startswith("$bcrypt-sha256$v=2,t=2b,r=5$")
        assert argon.startswith("$argon2id$v=19$m=64,t=1,p=1$")

    def test_is_safe_by_default(self) -> None:
        assert HashingPolicy().scheme == "bcrypt_sha256"
        assert HashingPolicy().bcrypt_rounds >= 12


class TestTheThreads:
    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority per thread")
    @pytest.mark.parametrize("niceness", [NICENESS, 0])
    async def test_give_way_and_leave_the_loop_alone(self, niceness: int) -> None:
        before = priority()
        pool = LowPriorityPool("quiet", 1, niceness=niceness)

        inside = await pool.run(priority)
        pool.close()

        assert inside == min(before + niceness, 19)
        assert priority() == before

    async def test_keep_the_password_out_of_what_waits(self, pool: LowPriorityPool) -> None:
        gate = threading.Event()
        waiting = pool.run(gate.wait, 10)

        shown = repr(waiting) + repr(vars(pool))
        gate.set()

        assert await waiting
        assert "canary" not in shown


class TestTheOrder:
    async def test_puts_new_accounts_behind_those_who_sign_in(self, pool: LowPriorityPool) -> None:
        done: list[str] = []
        async with busy(pool) as began:
            began(pool.run_behind(done.append, "new"), pool.run_behind(done.append, "newer"))
            began(pool.run(done.append, "sign-in"), pool.run(done.append, "another"))

        assert done == ["sign-in", "another", "new", "newer"]

    async def test_never_lets_new_accounts_wait_for_ever(self, pool: LowPriorityPool) -> None:
        done: list[str] = []
        async with busy(pool) as began:
            began(pool.run_behind(done.append, "new"))
            began(*(pool.run(done.append, "sign-in") for _ in range(20)))

        assert done.index("new") == AHEAD_IN_A_ROW_MAX

    @pytest.mark.parametrize("came", [False, True])
    async def test_passes_over_who_gave_up(self, pool: LowPriorityPool, *, came: bool) -> None:
        done: list[str] = []
        async with busy(pool, cancel_in_turn=came) as began:
            [first] = began(pool.run(done.append, "gave up"))
            began(pool.run(done.append, "next"))
            if not came:
                first.cancel()

        assert done == ["next"]
        assert await pool.run(str, 1) == "1", "its thread is free again"

    async def test_drops_what_waits_when_it_is_closed(self, pool: LowPriorityPool) -> None:
        async with busy(pool) as began:
            [waits] = began(pool.run(str, 1))
            await asyncio.sleep(0)
            pool.close()

        with pytest.raises(asyncio.CancelledError):
            await waits


@asynccontextmanager
async def busy(
    pool: LowPriorityPool, *, cancel_in_turn: bool = False
) -> AsyncGenerator[Callable[..., list[asyncio.Task[object]]]]:
    """Keep the only thread busy, and begin other work meanwhile; leave when all is done."""
    gate = threading.Event()
    tasks: list[asyncio.Task[object]] = []

    def began(*work: Coroutine[Any, Any, object]) -> list[asyncio.Task[object]]:
        tasks.extend(asyncio.create_task(each) for each in work)
        return tasks[-len(work) :]

    async def hold() -> None:
        await pool.run(gate.wait, 10)
        if cancel_in_turn:
            tasks[0].cancel()  # whose turn has come, and who has not noticed yet

    first = asyncio.create_task(hold())
    await asyncio.sleep(0)
    yield began
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *tasks, return_exceptions=True)


@pytest.mark.parametrize("policy", [CHEAP, ARGON], ids=lambda policy: policy.scheme)
class TestVerifying:
    async def test_knows_the_password_from_others(
        self, pool: LowPriorityPool, policy: HashingPolicy
    ) -> None:
        hasher = PasswordHasher(policy, pool)
        known = await hasher.hash("nul\0inside")

        assert await hasher.verify("nul\0inside", known)
        assert not await hasher.verify("nul\0inside ", known)
        assert not await hasher.verify("nul", known)

    async def test_knows_hashes_of_any_policy(
        self, pool: LowPriorityPool, policy: HashingPolicy
    ) -> None:
        hasher = PasswordHasher(policy, pool)
        older = [
            await PasswordHasher(each, pool).hash("password")
            for each in (CHEAP, ARGON, HashingPolicy(bcrypt_rounds=5))
        ]

        assert [await hasher.verify("password", each) for each in older] == [True] * 3
        assert [hasher.needs_rehash(each) for each in older].count(False) == 1
        assert not hasher.needs_rehash(await hasher.hash("password"))

    @pytest.mark.parametrize("length", [0, 1, 72, 73, 256, 257, 4096, 4097, 1024 * 1024])
    async def test_of_nobody_is_false_for_a_password_of_any_length(
        self, pool: LowPriorityPool, policy: HashingPolicy, length: int
    ) -> None:
        assert not await PasswordHasher(policy, pool).verify("x" * length, None)

    @pytest.mark.parametrize("length", [257, 4097, 1024 * 1024])
    async def test_takes_no_long_password_for_its_beginning(
        self, pool: LowPriorityPool, policy: HashingPolicy, length: int
    ) -> None:
        hasher = PasswordHasher(policy, pool)
        known = await hasher.hash("x" * 256)

        assert await hasher.verify("x" * 256, known)
        assert not await hasher.verify("x" * length, known)


async def test_nobody_costs_as_much_as_somebody(pool: LowPriorityPool) -> None:
    hasher = PasswordHasher(HashingPolicy(bcrypt_rounds=8), pool)
    await hasher.warm_up()
    known = await hasher.hash("password")

    def cpu_s(of: str | None, password: str) -> float:
        started_s = time.thread_time()
        assert not hasher.verify_here(password, of)
        return time.thread_time() - started_s

    async def least_s(of: str | None, password: str) -> float:
        return min([await pool.run(cpu_s, of, password) for _ in range(9)])

    somebody_s = await least_s(known, "wrong")
    assert await least_s(None, "wrong") == pytest.approx(somebody_s, rel=0.2)
    assert await least_s(known, "x" * 5000) == pytest.approx(somebody_s, rel=0.2)


async def test_the_cost_is_measured(pool: LowPriorityPool) -> None:
    cost_s = await PasswordHasher(HashingPolicy(bcrypt_rounds=8), pool).measure_cost_s()

    assert cost_s > 0.002  # a sixteenth of the default's; nothing computes it faster
