"""The command line as a whole: what every command has in common."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

import pytest

from cli.app import COMMANDS
from tests.places import REPOSITORY

WIDTH = 80
SUBCOMMANDS = (
    *("send deposit", "send withdraw", "send update-profile", "send open", "send register"),
    *("topics apply", "topics show", "keys new", "keys rotate", "keys list"),
    *("offsets show", "offsets set", "dead-letters list", "dead-letters replay"),
    *("config show", "config check"),
)
OF_A_CALLER = ("send", "balance", "profile", "outcome")
HEAVY = {"aiokafka", "asyncio", "contracts.message", "cryptography", "joserfc", "rich"}
"""What takes most of the time to load, and no help needs."""


def accounts(
    *arguments: str, cwd: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("ACCOUNTS_")}
    return subprocess.run(
        [sys.executable, "-m", "workers", *arguments],
        cwd=cwd,
        env=others | {"PYTHONPATH": str(REPOSITORY)} | (environ or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_lists_its_commands_without_loading_them(tmp_path: Path) -> None:
    script = (
        "import sys; from cli.app import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'aiokafka', 'faststream', 'pymongo'} & set(sys.modules)))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )

    assert ended.returncode == 0
    assert "Show or check the configuration." in ended.stdout


def loaded(
    arguments: Collection[str], of: Collection[str], cwd: Path, code: int = 0
) -> Collection[str]:
    """Return which of the modules *of* a call loads."""
    script = (
        "import sys; from cli.app import main\n"
        f"try: main({[*arguments]})\n"
        f"except SystemExit as ended: assert ended.code == {code}, ended.code\n"
        f"print('loaded', *(set({[*of]}) & set(sys.modules)), file=sys.stderr)"
    )
    root = str(REPOSITORY)
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": root, "ACCOUNTS_KAFKA_BOOTSTRAP": "127.0.0.1:1"},
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr.splitlines()[-1].split()[1:]


@pytest.mark.parametrize("command", [*OF_A_CALLER, "send deposit", "send register"])
def test_help_for_callers_loads_nothing_to_call_with(command: str, tmp_path: Path) -> None:
    assert loaded([*command.split(), "--help"], HEAVY, tmp_path) == []


def test_a_command_loads_only_what_it_needs(tmp_path: Path) -> None:
    others = {"cryptography", "faststream", "joserfc", "jwt", "prometheus_client", "pymongo"}
    others |= {"starlette", "cli.commands.login", "cli.commands.verify", "yaml"}
    others |= {"email_validator", "http.client", "iso4217", "phonenumbers"}
    deposit = ["send", "deposit", "alice", "10.50", "USD"]

    assert loaded(deposit, others, tmp_path, code=2) == []


@pytest.mark.parametrize("command", [*COMMANDS, *SUBCOMMANDS])
def test_help_is_whole_at_the_usual_width(command: str, tmp_path: Path) -> None:
    ended = accounts(*command.split(), "--help", cwd=tmp_path, environ={"COLUMNS": str(WIDTH)})

    assert ended.returncode == 0, "there is such a command"
    lines = ended.stdout.splitlines()[1:]  # the usage has `...` where there may be more
    assert [line for line in lines if len(line) > WIDTH] == []
    assert [line for line in lines if line.endswith(("...", "-"))] == [], "cut, or inside a word"
    assert [line for line in lines if "range>" in line] == []


def test_help_says_in_full_what_there_is(tmp_path: Path) -> None:
    ended = accounts("--help", cwd=tmp_path, environ={"COLUMNS": str(WIDTH)})

    said = " ".join(ended.stdout.split())
    assert [name for name, about in COMMANDS.items() if f"{name} {about}" not in said] == []


def test_says_which_version_it_is(tmp_path: Path) -> None:
    assert accounts("--version", cwd=tmp_path).stdout == f"accounts {version('accounts')}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("accounts dead", "dead-letters"),
        ("accounts send dep", "deposit"),
        ("accounts send deposit --related", "--related-id"),
    ],
)
def test_a_shell_completes(typed: str, offered: str, tmp_path: Path) -> None:
    asked = {
        "_ACCOUNTS_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }

    assert accounts(cwd=tmp_path, environ=asked).stdout.split() == [offered]


def test_a_long_line_breaks_between_words_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    away = {"ACCOUNTS_KAFKA_BOOTSTRAP": "127.0.0.1:1", "COLUMNS": str(WIDTH)}
    root = str(REPOSITORY)

    ended = subprocess.run(
        [sys.executable, "-m", "workers", "topics", "show"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": root} | away,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)

    assert ended.returncode == 2
    assert len(shown) > 1
    assert all(len(line) <= WIDTH for line in shown)
    assert "ACCOUNTS_KAFKA_SECURITY_PROTOCOL that" in " ".join(shown)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself(command: str, tmp_path: Path) -> None:
    ended = accounts(command, "--help", cwd=tmp_path)

    assert ended.returncode == 0
    assert f"Usage: accounts {command} " in ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "json", "config", "show"],
        ["config", "--output=json", "show"],
        ["config", "show", "--output", "json"],
    ],
)
def test_output_may_be_chosen_anywhere(arguments: list[str], tmp_path: Path) -> None:
    ended = accounts(*arguments, cwd=tmp_path)

    settings = {row["setting"]: row for row in json.loads(ended.stdout)}
    assert settings["partitions"]["value"] == "12"
    assert settings["partitions"]["source"] == "default"
    assert settings["ledger_lanes"]["about"].startswith("Transactions side by side")


def test_a_pipe_gets_plain_columns(tmp_path: Path) -> None:
    ended = accounts("config", "show", cwd=tmp_path, environ={"ACCOUNTS_PARTITIONS": "64"})

    rows = [line.split() for line in ended.stdout.splitlines()]
    assert ["partitions", "64", "environment"] in rows
    assert "\x1b" not in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (["nope"], {}, "accounts: No such command 'nope'"),
        (["config", "show", "--nope"], {}, "accounts: No such option: --nope"),
        (
            ["send", "deposit", "alice", "-5.10", "USD"],
            {},
            "accounts: the amount must be above zero, such as 10.50",
        ),
        (["offsets", "set", "ledger", "t", "-1", "0"], {}, "no number may be negative here"),
        (["--output", "xml", "config", "show"], {}, "accounts: Invalid value for '--output'"),
        (
            ["config", "show"],
            {"ACCOUNTS_LEDGER_LANES": "x"},
            "accounts: ACCOUNTS_LEDGER_LANES (env",
        ),
        (["config", "show"], {"ACCOUNTS_PARTITION": "1"}, "did you mean ACCOUNTS_PARTITIONS?"),
        (["topics", "show"], {"ACCOUNTS_KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "does not answer"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], environ: dict[str, str], said: str, tmp_path: Path
) -> None:
    ended = accounts(*arguments, cwd=tmp_path, environ=environ)

    assert ended.returncode == 2
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert said in line


def test_debug_shows_where(tmp_path: Path) -> None:
    ended = accounts("config", "show", "--debug", cwd=tmp_path, environ={"ACCOUNTS_X": "1"})

    assert "Traceback" in ended.stderr


def test_without_a_command_says_what_there_is(tmp_path: Path) -> None:
    ended = accounts(cwd=tmp_path)

    assert ended.returncode == 0
    assert "Commands:" in ended.stdout
