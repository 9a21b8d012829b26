"""Hashes: of any password, by the policy, on threads that give way."""

import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from passlib.context import CryptContext

from workers.hashing import NICENESS, HashingPolicy, PasswordHasher, QuietPool

CHEAP = HashingPolicy(bcrypt_rounds=4)
ARGON = HashingPolicy(scheme="argon2id", argon2_memory_kib=64, argon2_time_cost=1)


@pytest.fixture
def pool() -> Iterator[QuietPool]:
    pool = QuietPool("hashing", 1)
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
        self, pool: QuietPool, policy: HashingPolicy, password: str
    ) -> None:
        hashed = await PasswordHasher(policy, pool).hash(password)

        assert verifies(password, hashed)
        assert not verifies(password[:-1] + "z", hashed)
        assert not verifies(password[:-1], hashed)

    async def test_is_salted(self, pool: QuietPool, policy: HashingPolicy) -> None:
        hasher = PasswordHasher(policy, pool)

        assert await hasher.hash("the same") != await hasher.hash("the same")


class TestThePolicy:
    async def test_sets_the_scheme_and_its_cost(self, pool: QuietPool) -> None:
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
        pool = QuietPool("quiet", 1, niceness=niceness)

        inside = await pool.run(priority)
        pool.close()

        assert inside == min(before + niceness, 19)
        assert priority() == before

    async def test_keep_the_password_out_of_what_waits(self, pool: QuietPool) -> None:
        gate = threading.Event()
        waiting = pool.run(gate.wait, 10)

        shown = repr(waiting) + repr(vars(pool))
        gate.set()

        assert await waiting
        assert "canary" not in shown


@pytest.mark.parametrize("policy", [CHEAP, ARGON], ids=lambda policy: policy.scheme)
class TestVerifying:
    async def test_knows_the_password_from_others(
        self, pool: QuietPool, policy: HashingPolicy
    ) -> None:
        hasher = PasswordHasher(policy, pool)
        known = await hasher.hash("nul\0inside")

        assert await hasher.verify("nul\0inside", known)
        assert not await hasher.verify("nul\0inside ", known)
        assert not await hasher.verify("nul", known)

    async def test_knows_hashes_of_any_policy(self, pool: QuietPool, policy: HashingPolicy) -> None:
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
        self, pool: QuietPool, policy: HashingPolicy, length: int
    ) -> None:
        assert not await PasswordHasher(policy, pool).verify("x" * length, None)

    @pytest.mark.parametrize("length", [257, 4097, 1024 * 1024])
    async def test_takes_no_long_password_for_its_beginning(
        self, pool: QuietPool, policy: HashingPolicy, length: int
    ) -> None:
        hasher = PasswordHasher(policy, pool)
        known = await hasher.hash("x" * 256)

        assert await hasher.verify("x" * 256, known)
        assert not await hasher.verify("x" * length, known)


async def test_nobody_costs_as_much_as_somebody(pool: QuietPool) -> None:
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


async def test_the_cost_is_measured(pool: QuietPool) -> None:
    cost_s = await PasswordHasher(HashingPolicy(bcrypt_rounds=8), pool).measure_cost_s()

    assert cost_s > 0.002  # a sixteenth of the default's; nothing computes it faster
