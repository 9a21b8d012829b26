"""An event loop whose time is virtual and whose order is drawn: one seed gives one run.

asyncio promises that the callbacks of one process are run in the order in which they became ready, and so does this
loop. Between processes any order is possible, and so one is drawn.
"""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, copy_context
from random import Random
from typing import Any, TypeVar

from tests.simulation.network import PROCESS

Found = TypeVar("Found")

THREAD_S = (0.0001, 0.005)
"""How long work beside the loop takes, at least and at most."""

BURST_MAX = 12
"""Callbacks of one process in a row, at most: while it runs, the others stand still or run beside it."""


STEP_S = 0.00002
"""What one callback takes: whoever asks again and again whether it is time yet gets there."""


STEPS_MAX = 1_000_000
"""Callbacks of one run: some two hundred times what a long one takes."""


class StuckError(Exception):
    """Nothing is ready, and nothing ever will be; or it never ends."""


class Ready:
    """What asyncio calls a handle: a callback that will be run unless it is cancelled before.

    asyncio's own does the same and also keeps what debugging asks for; there are thousands in a run.
    """

    __slots__ = ("args", "callback", "context", "is_cancelled", "when_s")

    def __init__(
        self, callback: Callable[..., Any], args: tuple[Any, ...], context: Context, when_s: float
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.when_s = when_s
        self.is_cancelled = False

    def cancel(self) -> None:
        """Do not run it; let go of what it would have been run with."""
        self.is_cancelled = True
        self.callback = _nothing
        self.args = ()

    def cancelled(self) -> bool:
        """Say whether it was cancelled."""
        return self.is_cancelled

    def when(self) -> float:
        """Return the loop's time from which on it is run."""
        return self.when_s


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready, process by process; where nothing is, time jumps to the next timer."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._now_s = 0.0
        self._queues: dict[str, deque[Ready]] = {}
        self._waiting: list[str] = []
        """The processes whose queues are not empty."""
        self._timers: list[tuple[float, int, Ready]] = []
        self._numbers = itertools.count()
        self._dead: set[str] = set()
        self._paused_until_s: dict[str, float] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        """All there ever were: one that waits for what nobody else knows must not be collected at some moment."""
        self.steps = 0
        """Callbacks run so far."""
        self.failures: list[str] = []
        """What was raised where nobody catches it."""
        self.set_exception_handler(self._failed)

    def time(self) -> float:
        """Return virtual seconds since the start."""
        return self._now_s

    def kill(self, process: str) -> None:
        """End *process* as `kill -9` does: none of its callbacks runs any more."""
        self._dead.add(process)
        if self._queues.pop(process, None):
            self._waiting.remove(process)

    def pause(self, process: str, until_s: float) -> None:
        """Let nothing of *process* run until then; its time goes on."""
        self._paused_until_s[process] = max(until_s, self._paused_until_s.get(process, 0.0))

    def release(self) -> None:
        """Let every process go on."""
        self._paused_until_s.clear()

    def is_dead(self, process: str) -> bool:
        """Say whether it was killed."""
        return process in self._dead

    def call_soon(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Ready:
        """Run *callback* behind what is ready of the same process."""
        ready = Ready(callback, args, copy_context() if context is None else context, self._now_s)
        self._enqueue(ready)
        return ready

    call_soon_threadsafe = call_soon  # pyright: ignore[reportAssignmentType] - there are no threads

    def call_at(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Ready:
        """Run *callback* at that virtual time."""
        timer = Ready(callback, args, copy_context() if context is None else context, when)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def call_later(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Ready:
        """Run *callback* after *delay* virtual seconds."""
        when_s = self._now_s + delay
        timer = Ready(callback, args, copy_context() if context is None else context, when_s)
        heapq.heappush(self._timers, (when_s, next(self._numbers), timer))
        return timer

    def create_task(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        coro: Generator[Any, None, Found] | Coroutine[Any, Any, Found],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Found]:
        """Start a task, and keep it until the end."""
        task = asyncio.Task(coro, loop=self, name=name or "", context=context)
        self._tasks.append(task)
        return task

    def run_in_executor(
        self, executor: object, func: Callable[..., Found], *args: Any
    ) -> asyncio.Future[Found]:
        """Do the work at once, and let it be known a moment later."""
        del executor
        ended: asyncio.Future[Found] = self.create_future()
        settle: Callable[[], object]
        try:
            found = func(*args)
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits
            failed = error
            settle = lambda: ended.done() or ended.set_exception(failed)  # noqa: E731
        else:
            settle = lambda: ended.done() or ended.set_result(found)  # noqa: E731
        self.call_later(self._random.uniform(*THREAD_S), settle)
        return ended

    def end(self) -> None:
        """Drop whatever waits still; nothing of it is run, and nothing said of it."""
        self._queues.clear()
        self._timers.clear()
        self._dead = _Everything()
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # noqa: SLF001  # pyright: ignore[reportAttributeAccessIssue]
                _close(task.get_coro())
        self._tasks.clear()
        self.close()

    def _failed(self, _loop: asyncio.AbstractEventLoop, said: dict[str, Any]) -> None:
        self.failures.append(f"{said.get('message')}: {said.get('exception')!r}")

    def _enqueue(self, ready: Ready) -> None:
        process = ready.context.get(PROCESS, "outside")
        queue = self._queues.get(process)
        if queue:
            queue.append(ready)
            return
        if process in self._dead:
            return
        if queue is None:
            queue = self._queues[process] = deque()
        queue.append(ready)
        self._waiting.append(process)

    def _run_once(self) -> None:
        """Run all until somebody stops the loop: asyncio's own is asked again for every callback."""
        while not self._stopping:  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
            if self._timers and self._timers[0][0] <= self._now_s:
                self._fire()
            waiting = self._waiting
            if self._paused_until_s:
                waiting = [name for name in waiting if not self._rests(name)]
            if not waiting:
                self._jump()
            elif len(waiting) == 1:
                self._run_some(waiting[0])
            else:
                self._run_some(waiting[int(self._random.random() * len(waiting))])

    def _run_some(self, name: str) -> None:
        """Run some callbacks of one process."""
        queue = self._queues[name]
        count = len(queue)
        if count > 1:
            # Some, and never what they make ready themselves beyond that: others go on beside them.
            count = min(count, 1 + int(self._random.random() * BURST_MAX))
        while count:
            count -= 1
            ready = queue.popleft()
            if not queue:
                self._waiting.remove(name)
                count = 0
            self.steps += 1
            self._now_s += STEP_S
            try:
                ready.context.run(ready.callback, *ready.args)
            except Exception as error:  # noqa: BLE001 - as asyncio's own loop
                message = f"Exception in callback {ready.callback}"
                self.call_exception_handler({"message": message, "exception": error})
            if self._stopping or name in self._paused_until_s or name in self._dead:  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
                break
        if self.steps > STEPS_MAX:
            raise StuckError(f"it goes on and on, at {self._now_s:.1f} s")

    def _rests(self, process: str) -> bool:
        until_s = self._paused_until_s.get(process)
        if until_s is None:
            return False
        if until_s <= self._now_s:
            del self._paused_until_s[process]
            return False
        return True

    def _fire(self) -> None:
        """Make ready the timers whose time has come."""
        timers, now_s = self._timers, self._now_s
        while timers and timers[0][0] <= now_s:
            timer = heapq.heappop(timers)[2]
            if not timer.is_cancelled:
                self._enqueue(timer)

    def _jump(self) -> None:
        """Let time pass until something is ready."""
        timers = self._timers
        while timers and timers[0][2].is_cancelled:
            heapq.heappop(timers)
        moment_s = timers[0][0] if timers else None
        for until_s in self._paused_until_s.values():
            if until_s > self._now_s and (moment_s is None or until_s < moment_s):
                moment_s = until_s
        if moment_s is None:
            raise StuckError("nothing is ready, and no time will make it so")
        self._now_s = max(self._now_s, moment_s)


class _Everything(set[str]):
    """Of a loop that has ended: nothing is enqueued any more."""

    def __contains__(self, process: object) -> bool:
        return True


def _nothing() -> None:
    """Of what was cancelled."""


def _close(coroutine: Any) -> None:
    """Unwind what was suspended; what it does meanwhile reaches nobody."""
    with suppress(BaseException):  # it awaits, or fails, as it unwinds
        coroutine.close()
