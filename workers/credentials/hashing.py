"""Hashes passwords on threads that give way to everything else."""

import asyncio
import os
import secrets
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, ParamSpec, TypeAlias, TypeVar

from passlib.context import CryptContext

from handlers.identity.passwords import PASSWORD_LENGTH_MAX, prepared
from workers.clock import monotonic_s
from workers.credentials.imported_hashes import is_hash_of

_Turn: TypeAlias = asyncio.Future[None]

Given = ParamSpec("Given")
Found = TypeVar("Found")

NICENESS = 10
"""How much lower a quiet thread's priority is: beside it the rest gets nine tenths of a busy core."""

SAMPLE = "measured, never used"
"""What is hashed to measure: as long as an ordinary password."""

NOBODYS_BYTES = 32
"""Random bytes of the password that the dummy hash is of: nobody ever guesses it."""


AHEAD_IN_A_ROW_MAX = 8
"""Turns taken by those who go first while others wait; then one of the others. A flood of sign-ins
slows registrations down to one hash in nine, and never stops them: that would look like a worker that
hangs. One who signs in waits for one hash more at most."""


class LowPriorityPool:
    """A bounded number of threads for work that needs a core, by default of low priority."""

    def __init__(self, name: str, size: int, *, niceness: int = NICENESS) -> None:
        """Start no thread yet.

        *niceness* 0 is for work that money waits for, or that holds the interpreter for long: a
        thread that has to give way while it holds the interpreter stops the loop too.
        """
        self.size = size
        self._free = size
        self._ahead: deque[_Turn] = deque()
        self._behind: deque[_Turn] = deque()
        self._in_a_row = 0
        self._threads = ThreadPoolExecutor(
            size, thread_name_prefix=name, initializer=_give_way, initargs=(niceness,)
        )

    async def run(
        self, work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs
    ) -> Found:
        """Return what *work* returns, once a thread is free."""
        async with self._turn(self._ahead):
            # A lambda, because a partial shows its arguments, passwords among them, in its repr.
            return await self._in_thread(lambda: work(*args, **kwargs))

    async def run_behind(
        self, work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs
    ) -> Found:
        """Return what *work* returns, once a thread is free and nobody waits in `run`.

        Where somebody always does, it still gets its turn now and then.
        """
        async with self._turn(self._behind):
            return await self._in_thread(lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Let what runs finish, drop what waits."""
        for turn in (*self._ahead, *self._behind):
            turn.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], Found]) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @asynccontextmanager
    async def _turn(self, queue: deque[_Turn]) -> AsyncGenerator[None]:
        if self._free:
            self._free -= 1
        else:
            await self._wait_in(queue)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait_in(self, queue: deque[_Turn]) -> None:
        turn: _Turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # it came, and nobody is there any more to take it
            raise

    def _pass_on(self) -> None:
        """Give the thread that is free to who is next."""
        while self._ahead or self._behind:
            if not (turn := self._next()).done():
                turn.set_result(None)
                return
        self._free += 1

    def _next(self) -> _Turn:
        ahead = self._in_a_row < AHEAD_IN_A_ROW_MAX or not self._behind
        if self._ahead and ahead:
            self._in_a_row += 1
            return self._ahead.popleft()
        self._in_a_row = 0
        return self._behind.popleft()


def _give_way(niceness: int) -> None:
    # Linux counts priority per thread; elsewhere this would slow down the whole process.
    if niceness and sys.platform == "linux":
        thread = threading.get_native_id()
        ours = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, ours + niceness)


@dataclass(frozen=True, slots=True, kw_only=True)
class HashingPolicy:
    """How passwords are hashed from now on; older hashes stay valid."""

    scheme: Literal["bcrypt_sha256", "argon2id"] = "bcrypt_sha256"
    """Both take passwords of any length, NUL included."""
    bcrypt_rounds: int = 12
    """Binary logarithm of the work: 12 is about 230 ms. OWASP's least is 10."""
    argon2_memory_kib: int = 19_456
    """OWASP's recommendation with two passes and one lane: about 22 ms."""
    argon2_time_cost: int = 2
    argon2_parallelism: int = 1

    def context(self) -> CryptContext:
        """Return passlib's context for this policy."""
        return CryptContext(
            schemes=["bcrypt_sha256", "argon2"],
            default="argon2" if self.scheme == "argon2id" else self.scheme,
            deprecated="auto",
            bcrypt_sha256__rounds=self.bcrypt_rounds,
            argon2__type="ID",
            argon2__memory_cost=self.argon2_memory_kib,
            argon2__time_cost=self.argon2_time_cost,
            argon2__parallelism=self.argon2_parallelism,
        )


class PasswordHasher:
    """Hashes prepared passwords (`handlers.identity.passwords.prepared`), as many at once as threads."""

    def __init__(self, policy: HashingPolicy, pool: LowPriorityPool) -> None:
        self._context = policy.context()
        self._dummy: str | None = None
        self.pool = pool

    def hash_here(self, password: str) -> str:
        """Return the hash, with its scheme, cost and salt in it. Blocks; call it in the pool."""
        # The package has no types.
        return str(self._context.hash(password))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    async def hash(self, password: str) -> str:
        """Return the hash, computed in the pool."""
        return await self.pool.run(self.hash_here, password)

    def verify_here(self, password: str, known: str | None) -> bool:
        """Return whether *known* is a hash of *password*; blocks, call it in the pool.

        Where nothing is known a dummy hash of the current policy is verified instead: one hash of
        the same cost by the same code, so that nobody can time who exists. A known hash of an
        older policy takes as long as that policy says, until its user signs in the next time.
        """
        dummy = self._dummy_here()
        if len(password) > PASSWORD_LENGTH_MAX:
            # Nobody's: none so long was ever taken. passlib would refuse it before any work.
            password, known = password[:PASSWORD_LENGTH_MAX], None
        # The package has no types.
        matches = bool(self._context.verify(password, known or dummy))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        return matches and known is not None

    async def verify(self, password: str, known: str | None) -> bool:
        """Return whether *known* is a hash of *password*, computed in the pool."""
        return await self.pool.run(self.verify_here, password, known)

    async def verify_imported(self, typed: str, known: str) -> bool:
        """Return whether *known*, which another system made, is a hash of *typed*, in the pool.

        It takes as long as that system said, within `handlers.identity.foreign_hashes`, until its user
        signs in.
        """
        return await self.pool.run(self.verify_imported_here, typed, known)

    def verify_imported_here(self, typed: str, known: str) -> bool:
        """As `verify_imported`; blocks, call it in the pool."""
        if len(typed) > PASSWORD_LENGTH_MAX or "\0" in typed:
            # Nobody's either, and some of the formats take no NUL.
            return self.verify_here(prepared(typed), None)
        # As it was typed there; or as we hash it, where the hash was exported by a service like this one.
        return any(is_hash_of(known, each) for each in dict.fromkeys((typed, prepared(typed))))

    def needs_rehash(self, known: str) -> bool:
        """Whether *known* was made under another policy than the current one."""
        return bool(self._context.needs_update(known))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    async def warm_up(self) -> None:
        """Make the dummy hash now, so that the first to sign in is answered as fast as others."""
        await self.pool.run(self._dummy_here)

    def _dummy_here(self) -> str:
        # Two threads may both make one: either is as good.
        if self._dummy is None:
            self._dummy = self.hash_here(secrets.token_urlsafe(NOBODYS_BYTES))
        return self._dummy

    async def measure_cost_s(self) -> float:
        """Return how long one hash takes; also loads the scheme, so that the first is not slow."""
        await self.warm_up()
        started_s = monotonic_s()
        await self.hash(SAMPLE)
        return monotonic_s() - started_s
