"""The supervisor and its children."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.errors import DevStackError
from devstack.processes import Processes
from devstack.supervisor import STOP_GRACE_S
from tests.devstack.waiting import eventually, is_running

SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "stack"
    made.mkdir()
    return made


@pytest.fixture
def processes(folder: Path) -> Iterator[Processes]:
    started = Processes(remove=folder)
    yield started
    started.close()


def test_a_child_runs_until_it_is_killed(processes: Processes, folder: Path) -> None:
    pid = processes.start("a", SLEEP, {}, folder / "log")

    assert is_running(pid)
    assert processes.pid("a") == pid

    processes.signal("a", signal.SIGKILL)

    assert processes.wait("a", 5) == -signal.SIGKILL
    assert processes.pid("a") is None
    assert not is_running(pid)


def test_what_a_child_prints_is_kept_over_restarts(processes: Processes, folder: Path) -> None:
    for _ in range(2):
        processes.start(
            "a", ["/bin/sh", "-c", 'echo "$WORD"; exit 3'], {"WORD": "hi"}, folder / "log"
        )
        assert processes.wait("a", 5) == 3

    assert (folder / "log").read_text() == "hi\nhi\n"


def test_a_program_that_cannot_run_is_an_error(processes: Processes, folder: Path) -> None:
    with pytest.raises(DevStackError, match=r"cannot start a: .*no-such-program"):
        processes.start("a", ["/no-such-program"], {}, folder / "log")


def test_closing_ends_children_and_removes_the_folder(processes: Processes, folder: Path) -> None:
    pids = [processes.start(name, SLEEP, {}, folder / "log") for name in ("a", "b")]
    processes.signal("b", signal.SIGSTOP)

    processes.close()
    processes.close()

    assert not any(is_running(pid) for pid in pids)
    assert not folder.exists()
    with pytest.raises(DevStackError, match="has been stopped"):
        processes.start("c", SLEEP, {}, folder / "log")


async def test_who_does_not_end_is_soon_killed_where_nothing_is_kept(
    processes: Processes, folder: Path
) -> None:
    deaf = ["/bin/sh", "-c", 'trap "" TERM; echo ready; sleep 600 & wait; sleep 600']
    pid = processes.start("a", deaf, {}, folder / "log")
    await eventually(lambda: "ready" in (folder / "log").read_text())

    began_s = time.monotonic()
    processes.close()

    assert time.monotonic() - began_s < STOP_GRACE_S
    assert not is_running(pid)


async def test_children_die_with_a_killed_supervisor(processes: Processes, folder: Path) -> None:
    pid = processes.start("a", SLEEP, {}, folder / "log")

    os.kill(processes.supervisor_pid, signal.SIGKILL)

    await eventually(lambda: not is_running(pid))
    with pytest.raises(DevStackError, match=r"start it again|start again"):
        processes.start("b", SLEEP, {}, folder / "log")


def test_the_terminals_ctrl_c_does_not_reach_children(processes: Processes, folder: Path) -> None:
    pid = processes.start("a", SLEEP, {}, folder / "log")

    assert os.getsid(pid) == processes.supervisor_pid
    assert os.getsid(pid) != os.getsid(0)
