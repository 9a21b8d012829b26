"""`accounts dev`: one command brings everything up, others find it, and it all goes together."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.cli_process import Program, read_until
from tests.e2e.terminal import Terminal, blocks
from tests.places import REPOSITORY

pytestmark = [pytest.mark.kafka, pytest.mark.mongo, pytest.mark.redis]

KEPT = "Zoë's data, 100 %"
"""Where it keeps its data: in characters that another locale has not, and some that programs read."""

ENDLESS = {"accounts watch": "withdraw", "follow_balances.py": "alice: "}
"""What the README has one end with Ctrl-C, and what it shows before."""

GONE_MAX_S = 120.0
"""Far more than the servers need to stop on a machine that others keep busy."""


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Program:
    environ = {"ACCOUNTS_PASSWORD_BCRYPT_ROUNDS": "4", "LANG": "C", "LC_ALL": "C"}
    environ["ACCOUNTS_WORKER_SESSION_TIMEOUT_MS"] = "3000"  # a killed worker is missed sooner
    return Program(tmp_path_factory.mktemp("dev"), environ)


@pytest.fixture(scope="module")
def told(accounts: Program) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Yield a running dev stack and all that it said until it was ready."""
    with accounts.running("dev", "--data", KEPT, "--story") as process:
        yield process, read_until(process, "Ctrl-C stops everything")
        process.terminate()
        process.wait(GONE_MAX_S)


class TestDev:
    def test_plays_its_story(self, told: tuple[subprocess.Popen[str], str]) -> None:
        _, said = told

        story = said.partition("A short story\n")[2].partition("\n\n")[0].splitlines()
        assert [line.split()[0] for line in story] == [
            "register", "register", "deposit", "withdraw", "withdraw", "deposit",
        ]  # fmt: skip
        assert ["✓" in line for line in story] == [True, True, True, True, False, True]
        assert "insufficient_funds" in story[4]
        assert "a repeat" in story[5]

    def test_names_commands_that_work_from_the_same_directory(
        self, accounts: Program, told: tuple[subprocess.Popen[str], str]
    ) -> None:
        _, said = told

        lines = said.partition("Try, in another terminal")[2].splitlines()
        named = [line.split("accounts ", 1)[1].split() for line in lines if "accounts " in line]
        tried = [words for words in named if words[0] != "watch"]
        assert [words[0] for words in named] == ["send", "send", "watch", "verify"]
        for words in tried:
            ended = accounts.run(*words)
            assert ended.returncode == 0, (words, ended)

    @pytest.mark.usefixtures("told")
    def test_takes_what_the_readme_has_one_type(self, accounts: Program) -> None:
        (accounts.cwd / ".venv").symlink_to(sys.prefix)
        (accounts.cwd / "examples").symlink_to(REPOSITORY / "examples")
        typed = [each for each in blocks(REPOSITORY / "README.md") if not each.startswith("make ")]
        typed += [each for each in blocks(REPOSITORY / "docs/sign-in.md") if "examples/" in each]
        terminal, shown = Terminal(accounts), ""

        for block in typed:
            [until] = [said for name, said in ENDLESS.items() if name in block] or [""]
            shown = terminal.type(block, until=until)

        assert len(typed) > len(ENDLESS)
        assert "signed out" in shown

    def test_refuses_a_second_one_from_the_same_directory(
        self, accounts: Program, told: tuple[subprocess.Popen[str], str]
    ) -> None:
        process, _ = told

        ended = accounts.run("dev")

        assert ended.returncode == 2
        assert f"already runs from this directory (process {process.pid})" in ended.stderr

    def test_starts_a_worker_again_that_died(
        self, accounts: Program, told: tuple[subprocess.Popen[str], str]
    ) -> None:
        process, _ = told

        os.kill(pid_in_folder(accounts.cwd, "worker"), signal.SIGKILL)

        shown = read_until(process, "worker is ready again")
        log = accounts.cwd / KEPT / "worker.log"
        assert f"! worker has ended (SIGKILL); its log {log} ends with\n" in shown
        assert log.read_text().splitlines()[0] in shown.replace("\n  ", "\n")
        answered = accounts.run("send", "deposit", "alice", "1.00", "USD", "--timeout", "60")
        assert answered.returncode == 0, answered

    def test_starts_servers_again_that_died_and_the_worker_goes_on(
        self, accounts: Program, told: tuple[subprocess.Popen[str], str]
    ) -> None:
        process, _ = told
        before = json.loads(accounts.run("balance", "alice", "--output", "json").stdout)
        servers = ("kafka", "mongodb", "redis")

        for name in servers:
            os.kill(pid_in_folder(accounts.cwd / KEPT / name), signal.SIGKILL)

        shown = "".join(read_until(process, "is ready again") for _ in servers)
        for name in servers:
            log = accounts.cwd / KEPT / name / "server.log"
            assert f"! {name} has ended (SIGKILL); its log {log} ends with\n" in shown
            assert f"{name} is ready again" in shown
        after = accounts.run("balance", "alice", "--output", "json", "--timeout", "60")
        assert json.loads(after.stdout)["balances"] == before["balances"]

    def test_goes_on_while_the_worker_cannot_start(
        self, accounts: Program, told: tuple[subprocess.Popen[str], str]
    ) -> None:
        process, _ = told
        keys = accounts.cwd / KEPT / "keys"
        keys.rename(accounts.cwd / "keys-away")

        os.kill(pid_in_folder(accounts.cwd, "worker"), signal.SIGKILL)
        shown = read_until(process, "make them with `accounts keys new`")
        (accounts.cwd / "keys-away").rename(keys)

        assert "! the worker ended at its start (exit status 2); its log " in shown
        assert "starting worker again in" in read_until(process, "starting worker")
        read_until(process, "worker is ready again")
        assert process.poll() is None

    def test_keeps_its_data_where_it_is_told(
        self, accounts: Program, told: tuple[subprocess.Popen[str], str]
    ) -> None:
        process, _ = told
        before = accounts.run("verify", "--output", "json")
        process.terminate()
        process.wait(GONE_MAX_S)

        with accounts.running("dev", "--data", KEPT, "--story") as again:
            said = read_until(again, "Ctrl-C stops everything")
            verified = accounts.run("verify", "--topic", "--output", "json")
            again.terminate()
            again.wait(GONE_MAX_S)

        assert said.count("a repeat: same answer, nothing moved") == 6
        assert json.loads(verified.stdout)["entries"] == json.loads(before.stdout)["entries"] >= 2


def test_prints_one_line_for_programs_and_stops_when_told(tmp_path: Path) -> None:
    accounts = Program(tmp_path, {"ACCOUNTS_SIDECAR_PORT": "0"})

    with accounts.running("dev", "--no-worker", "--output", "json") as process:
        line = read_until(process, "kafka")
        addresses = json.loads(line)
        file = tmp_path / ".accounts" / "dev.env"
        known = file.read_text()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=GONE_MAX_S)

    assert process.returncode == 0
    assert rest == ""
    assert list(addresses) == ["kafka", "mongodb", "redis", "sidecar", "topic_prefix", "database"]
    assert f"ACCOUNTS_KAFKA_BOOTSTRAP={addresses['kafka']}\n" in known
    assert not file.exists()


def test_goes_altogether_when_it_is_killed(tmp_path: Path) -> None:
    accounts = Program(tmp_path, {})
    with accounts.running("dev", "--no-worker", "--output", "json") as process:
        host, port = json.loads(read_until(process, "kafka"))["kafka"].split(":")
        process.kill()

    deadline = time.monotonic() + GONE_MAX_S
    while _listens(host, int(port)):
        assert time.monotonic() < deadline, "Kafka outlived its parent"
        time.sleep(0.1)


def pid_in_folder(folder: Path, argument: str = "") -> int:
    """Return the process that runs in *folder*, of those that do so the one with *argument*."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_text(errors="replace").split("\0")
            if argument in words and (process / "cwd").readlink().is_relative_to(folder):
                return int(process.name)
    raise AssertionError(f"nothing runs in {folder}")


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0
