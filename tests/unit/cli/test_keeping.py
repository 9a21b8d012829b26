"""What `accounts dev` keeps running: started again with growing waits, up to a bound, or told of."""

import signal
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Self

import pytest

from cli.dev import keeping as dev_keeping
from cli.dev.keeping import Keeping
from cli.dev.screen import DevScreen
from devstack.addresses import Addresses
from devstack.errors import DevStackError
from devstack.folder import Folder
from devstack.patience import last_lines
from devstack.processes import Processes, how_ended
from devstack.stack import Stack
from tests.devstack.waiting import eventually

WAITS_S = (0.0, 0.01, 0.02)
PROGRAM = [
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import time; print('up', flush=True); time.sleep(600)",
]
FAILS = ["/bin/sh", "-c", "echo no such table; exit 3"]


class Program:
    """A process that is kept; *fails* says how many of its starts, after the first, fail."""

    name = "some"

    def __init__(self, processes: Processes, log_path: Path) -> None:
        self.log_path = log_path
        self.starts = 0
        self.failures_left = 0
        self._processes = processes

    @property
    def pid(self) -> int | None:
        return self._processes.pid(self.name)

    def started(self) -> Self:
        self.starts += 1
        self._processes.start(self.name, PROGRAM, {}, self.log_path)
        return self

    def ended(self, seconds: float) -> str | None:
        status = self._processes.wait(self.name, seconds)
        return None if status is None else how_ended(status)

    def restart(self) -> None:
        if not self.failures_left:
            self.started()
            return
        self.starts += 1
        self.failures_left -= 1
        self._processes.start(self.name, FAILS, {}, self.log_path)
        self._processes.wait(self.name, 60)
        raise DevStackError(f"some ended early; {last_lines(self.log_path)}")

    def kill(self) -> None:
        self._processes.signal(self.name, signal.SIGKILL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "temporary"
    made.mkdir()
    return made


@pytest.fixture
def stack(folder: Path) -> Iterator[Stack]:
    with Stack(
        Addresses("", "", ""), {}, Processes(remove=folder), Folder(folder, temporary=True, lock=-1)
    ) as stack:
        yield stack


@pytest.fixture
def program(stack: Stack, folder: Path) -> Program:
    return Program(stack.processes, folder / "some.log").started()


class Said(DevScreen):
    """Keeps what it shows.

    pytest's own record is emptied at each look, and loses what a thread writes meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self._console.file = self._shown = StringIO()

    def __call__(self) -> list[str]:
        """Return what was said so far, line by line."""
        return self._shown.getvalue().splitlines()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.setattr(dev_keeping, "WAITS_S", WAITS_S)
    return Said()


async def test_what_is_killed_runs_again(
    stack: Stack, program: Program, said: Said, folder: Path
) -> None:
    await eventually(lambda: program.log_path.read_text() == "up\n")

    with Keeping(stack, said) as keeping:
        keeping.keep(program)
        program.kill()
        await eventually(lambda: any("ready again" in line for line in said()))

    assert said() == [
        f"! some has ended (SIGKILL); its log {program.log_path} ends with",
        "  up",
        "  starting some again",
        f"✓ some is ready again, process {pid_in(said())}",
    ]
    assert not is_there(folder)


async def test_what_is_stopped_has_not_ended_by_itself(
    stack: Stack, program: Program, said: Said, folder: Path
) -> None:
    with Keeping(stack, said) as keeping:
        keeping.keep(program)
        keeping.stop()  # while its end is waited for
        program.kill()
        await eventually(lambda: program.pid is None)

    assert (program.starts, said()) == (1, [])
    assert not is_there(folder)


async def test_a_start_that_fails_is_tried_again_later_and_later(
    stack: Stack, program: Program, said: Said
) -> None:
    program.failures_left = 2

    with Keeping(stack, said) as keeping:
        keeping.keep(program)
        program.kill()
        await eventually(lambda: any("ready again" in line for line in said()))

    assert [line for line in said() if "starting" in line] == [
        "  starting some again",
        "  starting some again in 0.01 s",
        "  starting some again in 0.02 s",
    ]
    assert said().count("  no such table") == 3, (
        "once after the first failure, twice after the next"
    )


async def test_in_the_end_it_is_left_and_all_is_kept(
    stack: Stack, program: Program, said: Said, folder: Path
) -> None:
    program.failures_left = 100

    with Keeping(stack, said) as keeping:
        keeping.keep(program)
        program.kill()
        await eventually(lambda: any("not started again any more" in line for line in said()))
        assert not stack.processes.are_gone, "the others go on"

    assert program.starts == 1 + len(WAITS_S)
    assert said()[-1] == f"! not all went well: data and logs are kept in {folder}"
    assert "no such table" in program.log_path.read_text()


async def test_what_ends_with_an_error_keeps_its_data(
    stack: Stack, said: Said, folder: Path
) -> None:
    with pytest.raises(ZeroDivisionError), Keeping(stack, said):
        raise ZeroDivisionError

    assert is_there(folder)
    assert said() == [f"! not all went well: data and logs are kept in {folder}"]


async def test_a_stop_meanwhile_starts_nothing(
    stack: Stack,
    program: Program,
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dev_keeping, "WAITS_S", (0.0, 600.0))
    program.failures_left = 1

    with Keeping(stack, said) as keeping:
        keeping.keep(program)
        program.kill()
        await eventually(lambda: any("in 600 s" in line for line in said()))

    assert program.starts == 2


def is_there(folder: Path) -> bool:
    return folder.exists()


def pid_in(lines: list[str]) -> int:
    return int(lines[-1].rpartition(" ")[2])
