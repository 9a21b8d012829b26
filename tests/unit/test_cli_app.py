"""The command line as a whole: what every command has in common."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.cli.app import COMMANDS


def accounts(
    *arguments: str, cwd: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("ACCOUNTS_")}
    return subprocess.run(
        [sys.executable, "-m", "workers", *arguments],
        cwd=cwd,
        env=others | {"PYTHONPATH": str(Path(__file__).parents[2])} | (environ or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_lists_its_commands_without_loading_them(tmp_path: Path) -> None:
    script = (
        "import sys; from workers.cli.app import main\n"
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
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )

    assert ended.returncode == 0
    assert "Show or check the configuration." in ended.stdout


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
