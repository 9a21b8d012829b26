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
"""Callbacks of one run: some fifty times what a long one takes."""


class StuckError(Exception):
    """Nothing is ready, and nothing ever will be; or it never ends."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready, process by process; where nothing is, time jumps to the next timer."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._now_s = 0.0
        self._queues: dict[str, deque[asyncio.Handle]] = {}
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()
        self._dead: set[str] = set()
        self._paused_until_s: dict[str, float] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        """All there ever were: one that waits for what nobody else knows must not be collected at some moment."""
        self.steps = 0
        """Callbacks run so far."""
        self.failures: list[str] = []
        """What was raised where nobody catches it."""
        self.watch: Callable[[str], None] | None = None
        """Called with the process of each callback, before it is run."""
        self.set_exception_handler(self._failed)

    def time(self) -> float:
        """Return virtual seconds since the start."""
        return self._now_s

    def kill(self, process: str) -> None:
        """End *process* as `kill -9` does: none of its callbacks runs any more."""
        self._dead.add(process)
        self._queues.pop(process, None)

    def pause(self, process: str, until_s: float) -> None:
        """Let nothing of *process* run until then; its time goes on."""
        self._paused_until_s[process] = max(until_s, self._paused_until_s.get(process, 0.0))

    def release(self) -> None:
        """Let every process go on."""
        self._paused_until_s.clear()

    def is_dead(self, process: str) -> bool:
        """Say whether it was killed."""
        return process in self._dead

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run *callback* behind what is ready of the same process."""
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self._enqueue(handle, context)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """As `call_soon`: there are no threads."""
        return self.call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run *callback* at that virtual time."""
        context = copy_context() if context is None else context
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run *callback* after *delay* virtual seconds."""
        return self.call_at(self._now_s + delay, callback, *args, context=context)

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

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: it is passed over when its time comes."""

    def _failed(self, _loop: asyncio.AbstractEventLoop, said: dict[str, Any]) -> None:
        self.failures.append(f"{said.get('message')}: {said.get('exception')!r}")

    def _enqueue(self, handle: asyncio.Handle, context: Context) -> None:
        process = context.get(PROCESS, "outside")
        if process in self._dead:
            return
        queue = self._queues.get(process)
        if queue is None:
            queue = self._queues[process] = deque()
        queue.append(handle)

    def _run_once(self) -> None:
        """Run some callbacks of one process."""
        if self.steps > STEPS_MAX:
            raise StuckError(f"it goes on and on, at {self._now_s:.1f} s")
        self._fire()
        ready = [name for name, queue in self._queues.items() if queue and not self._rests(name)]
        if not ready:
            self._jump()
            return
        name = ready[int(self._random.random() * len(ready))] if len(ready) > 1 else ready[0]
        queue = self._queues[name]
        # Some, and never what they make ready themselves beyond that: others go on beside them.
        for _ in range(min(len(queue), 1 + int(self._random.random() * BURST_MAX))):
            handle = queue.popleft()
            if handle._cancelled:  # noqa: SLF001 - as asyncio's own loop
                continue
            self.steps += 1
            self._now_s += STEP_S
            if self.watch is not None:
                self.watch(name)
                if name in self._dead or self._rests(name):
                    if name not in self._dead:
                        queue.appendleft(handle)
                    return
            handle._run()  # noqa: SLF001 - as asyncio's own loop
            if not queue or self._stopping:  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
                return
            if name in self._paused_until_s or name in self._dead:
                return

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
            timer._scheduled = False  # noqa: SLF001 - as asyncio's own loop
            if not timer._cancelled:  # noqa: SLF001
                self._enqueue(timer, timer._context)  # noqa: SLF001

    def _jump(self) -> None:
        """Let time pass until something is ready."""
        while self._timers and self._timers[0][2]._cancelled:  # noqa: SLF001
            heapq.heappop(self._timers)
        moments = [until_s for until_s in self._paused_until_s.values() if until_s > self._now_s]
        if self._timers:
            moments.append(self._timers[0][0])
        if not moments:
            raise StuckError("nothing is ready, and no time will make it so")
        self._now_s = max(self._now_s, min(moments))


class _Everything(set[str]):
    """Of a loop that has ended: nothing is enqueued any more."""

    def __contains__(self, process: object) -> bool:
        return True


def _close(coroutine: Any) -> None:
    """Unwind what was suspended; what it does meanwhile reaches nobody."""
    with suppress(BaseException):  # it awaits, or fails, as it unwinds
        coroutine.close()
