"""Child processes, and what the kernel says they cost (proc_pid_stat(5), proc_pid_status(5))."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

STOP_S = 30.0
"""How long a process may take to finish what it has in hand."""

CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LOG_TAIL_LINES = 15
ERROR_CHARACTERS_MAX = 3000
READY = b"ready\n"
GO = b"go\n"


class BenchError(Exception):
    """The benchmark cannot go on. Says what happened and where to look."""


def cpu_s(pid: int) -> float:
    """Return user and system time of all of the process's threads so far."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    fields = stat.rpartition(")")[2].split()  # the name before it may contain spaces
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_S


def rss_mb(pid: int) -> float:
    """Return the memory the process holds now, in MB (10**6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * PAGE_BYTES / 1e6


def cpu_of(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds of each named process that still runs."""
    readings: dict[str, float] = {}
    for name, pid in pids.items():
        try:
            readings[name] = cpu_s(pid)
        except OSError:
            continue
    return readings


class Child:
    """One Python process of this benchmark, with its output in a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        """Use `start` instead."""
        self.name = name
        self._process = process
        self._log = log

    @classmethod
    async def start(
        cls, name: str, arguments: Sequence[str], *, env: Mapping[str, str], log: Path
    ) -> Self:
        """Run `python *arguments*` with *env* on top of our environment, less what sets the service.

        It runs in the log's folder, so that no file of settings in ours reaches it.
        """
        ours = {key: value for key, value in os.environ.items() if not key.startswith("ACCOUNTS_")}
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                cwd=log.parent,
                env={**ours, **env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """The process's number, valid until `stop`."""
        return self._process.pid

    def require_running(self) -> None:
        """Raise `BenchError` with the end of its log if it has ended by itself."""
        if self._process.returncode is not None:
            raise BenchError(
                f"{self.name} ended by itself with status {self._process.returncode}; "
                f"its last lines:\n{self.tail()}"
            )

    def said(self, pattern: str) -> str | None:
        """Return the first group of *pattern* in its output, None while it is not there."""
        found = re.search(pattern, self._log.read_text(encoding="utf-8", errors="replace"))
        return found and found[1]

    def tail(self) -> str:
        """Return the last lines of its output."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])

    async def finish(self, timeout_s: float) -> int:
        """Wait for it to end by itself and return its exit status."""
        try:
            return await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            await self.stop()
            raise BenchError(f"{self.name} took longer than {timeout_s:.0f} s") from None

    async def stop(self) -> None:
        """Ask it to end; kill it if it does not."""
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Dialogue:
    """A Python process that prepares itself, says `ready`, waits for `go` and prints its answer."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        """Use `open` instead."""
        self._name = name
        self._process = process

    @classmethod
    async def open(cls, module: str, question: str) -> Self:
        """Run *module*, give it *question* in one line and wait until it is ready."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin
        assert process.stdout
        process.stdin.write(question.encode() + b"\n")
        await process.stdin.drain()
        dialogue = cls(module, process)
        if await process.stdout.readline() != READY:
            await dialogue.answer()
        return dialogue

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    async def answer(self) -> bytes:
        """Let it go ahead and return what it prints."""
        output, errors = await self._process.communicate(GO)
        if self._process.returncode != 0:
            end = errors.decode(errors="replace")[-ERROR_CHARACTERS_MAX:]
            raise BenchError(f"{self._name} failed:\n{end}")
        return output


def wait_for_go() -> None:
    """In the child: say that the preparations are over and wait for the other side."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    sys.stdin.readline()
