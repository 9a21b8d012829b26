"""A process is waited for as long as it gets on, and no longer."""

import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import patience
from devstack.errors import DevStackError
from devstack.patience import Patience, cpu_s, last_lines, log_tail
from devstack.processes import Processes
from devstack.server import Plan, Server
from tests.devstack.waiting import eventually

WORKS = """
import time
began = time.process_time()
while time.process_time() < began + 1.0:
    pass
print("ready", flush=True)
time.sleep(600)
"""
"""Needs a second of a processor to start, and says nothing meanwhile."""

WRITES = """
import time
for step in range(100):
    print("step", step, flush=True)
    time.sleep(0.01)
print("ready", flush=True)
time.sleep(600)
"""
"""Hardly works, but says how far it is."""

IDLE = "import time; print('waiting for nothing', flush=True); time.sleep(600)"

STOPS = "import os; print('waiting for nothing', flush=True); os.kill(0, 19)"

TURNS = """
print("turning", flush=True)
while True:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "stack" / "some"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def processes(folder: Path) -> Iterator[Processes]:
    started = Processes(remove=folder.parent)
    yield started
    started.close()


def a_plan(folder: Path, program: str) -> Plan:
    log = folder / "server.log"
    return Plan(
        name="some",
        port=0,
        folder=folder,
        argv=[sys.executable, "-I", "-S", "-c", program],
        env={},
        is_ready=lambda: log.exists() and "ready" in log.read_text(),
    )


@pytest.mark.parametrize("program", [WORKS, WRITES], ids=["works", "writes"])
def test_a_start_that_gets_on_may_take_longer_than_a_standstill(
    program: str, processes: Processes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "STANDSTILL_S", 0.4)

    assert Server(a_plan(folder, program), processes).pid


@pytest.mark.parametrize("program", [IDLE, STOPS], ids=["idle", "stopped"])
def test_a_start_that_stands_still_is_ended_and_its_log_kept(
    program: str,
    processes: Processes,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "STANDSTILL_S", 0.4)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    plan = a_plan(folder, program)

    with pytest.raises(DevStackError, match=r"some was not ready .*did nothing for") as failed:
        Server(plan, processes)
    processes.close()

    assert not folder.exists()
    said = str(failed.value)
    assert said.endswith("waiting for nothing")
    kept = Path(said.partition("its log ")[2].partition(" ends with")[0])
    assert kept.read_text() == "waiting for nothing\n"


def test_a_start_that_is_busy_for_ever_is_ended(
    processes: Processes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LONGEST_S", 0.5)

    with pytest.raises(DevStackError, match=r"waited \d+ s, it kept busy"):
        Server(a_plan(folder, TURNS), processes)


async def test_a_wait_ends_with_its_process(processes: Processes, folder: Path) -> None:
    pid = processes.start("some", [sys.executable, "-c", TURNS], {}, folder / "server.log")
    await eventually(lambda: cpu_s(pid) > 0)
    processes.signal("some", signal.SIGKILL)
    processes.wait("some", 30)

    assert cpu_s(pid) == 0
    assert Patience(lambda: processes.pid("some"), folder / "server.log").lasts()


def test_the_last_lines_are_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))

    assert last_lines(log, 2) == f"its log {log} ends with\nline 98\nline 99"
    assert log_tail(tmp_path / "none") == f"it wrote nothing to {tmp_path / 'none'}"
