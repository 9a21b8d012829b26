"""Keeps what `accounts dev` started running: what ends is started again, on its port and data."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Protocol, Self

from cli.dev.screen import DevScreen
from cli.screen.output import CliError
from devstack.errors import DevStackError
from devstack.patience import last_lines
from devstack.stack import Stack
from workers.clock import monotonic_s

WATCH_S = 1.0
"""How often each looks whether it is to stop; the end of a process is noticed at once."""

WAITS_S = (0, 1, 2, 4, 8, 16, *[30] * 20)
"""Before each start: at once, then later and later, for ten minutes in all. Who broke it is there,
and mends it meanwhile."""

LONG_LIFE_S = 10.0
"""What ran so long has got over its start: when it ends, the waits begin anew."""


class Kept(Protocol):
    """A process that is to run: a server, or the worker."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def log_path(self) -> Path:
        """Where its log is."""
        ...

    @property
    def pid(self) -> int | None:
        """Its process id, None when it does not run."""
        ...

    def ended(self, seconds: float) -> str | None:
        """Wait up to *seconds* for its end: say how it ended, None while it runs."""
        ...

    def restart(self) -> None:
        """Start it again and return when it is ready."""
        ...


class Keeping:
    """Looks after each process in a thread of its own: a start may take long, or need another one.

    Entered, it begins with the servers; left, all are stopped, and temporary data and logs removed
    if all went well.
    """

    def __init__(self, stack: Stack, screen: DevScreen) -> None:
        self._stack = stack
        self._screen = screen
        self._speaking = Lock()
        self._stopping = Event()
        self._down: set[str] = set()
        self._threads: list[Thread] = []

    def __enter__(self) -> Self:
        """Begin."""
        for server in self._stack.servers.values():
            self.keep(server)
        return self

    def keep(self, one: Kept) -> None:
        """Look after *one*, which runs, from now on."""
        self._threads.append(Thread(target=self._keep, args=(one,), daemon=True))
        self._threads[-1].start()

    def stop(self) -> None:
        """Start nothing again from now on."""
        self._stopping.set()

    def __exit__(self, error: object, *_: object) -> None:
        """Stop everything."""
        self.stop()
        if self._stack.is_temporary and (self._down or error is not None):
            self._stack.keep_data()
            self._say(f"not all went well: data and logs are kept in {self._stack.folder}")
        self._stack.stop()
        for thread in self._threads:
            thread.join()

    def _keep(self, one: Kept) -> None:
        waits, started_s = iter(WAITS_S), monotonic_s()
        while (how := self._end_of(one)) is not None:
            self._down.add(one.name)
            if monotonic_s() - started_s >= LONG_LIFE_S:
                waits = iter(WAITS_S)
            self._say(f"{one.name} has ended ({how}); {last_lines(one.log_path)}")
            if not self._runs_again(one, waits):
                return
            self._down.discard(one.name)
            started_s = monotonic_s()

    def _end_of(self, one: Kept) -> str | None:
        """Wait until it ends, and say how; None where everything is to stop, or was."""
        while not (self._stopping.is_set() or self._stack.processes.are_gone):
            how = one.ended(WATCH_S)
            if how is not None:
                # What is stopped ends while it is waited for.
                return None if self._stopping.is_set() else how
        return None

    def _runs_again(self, one: Kept, waits: Iterator[float]) -> bool:
        """Start it again and again, until it runs or the *waits* are used up."""
        for wait_s in waits:
            when = f" in {wait_s:g} s" if wait_s else ""
            self._screen.next_step(f"starting {one.name} again{when}")
            if self._stopping.wait(wait_s):
                return False
            try:
                one.restart()
            except (CliError, DevStackError) as error:
                if self._stopping.is_set():  # which ends every start
                    return False
                self._say(str(error))
            else:
                self._screen.relief(f"{one.name} is ready again, process {one.pid}")
                return True
        self._say(
            f"{one.name} is not started again any more, the others go on: mend what its log says, "
            "press Ctrl-C and start again"
        )
        return False

    def _say(self, what: str) -> None:
        with self._speaking:  # the lines of one log, then those of another
            self._screen.trouble(what)
