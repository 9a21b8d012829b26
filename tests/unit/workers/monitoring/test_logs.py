"""What a worker's log is like once it is set up."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest

from workers.monitoring.logs import QUIET, set_up_logging


@pytest.fixture(autouse=True)
def others_left_alone() -> Iterator[None]:
    """Take pytest's handlers away first, which would be closed, and give them back."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    levels = {name: logging.getLogger(name).level for name in ("", *QUIET)}
    yield
    root.handlers = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_cause_is_told_once(
    capsys: pytest.CaptureFixture[str], form: Literal["text", "json"]
) -> None:
    set_up_logging("INFO", form)

    for port in range(340):
        logging.getLogger("aiokafka").error("Unable to connect to %s", port)

    [line] = capsys.readouterr().err.splitlines()
    assert "Unable to connect to 0" in line


def test_what_libraries_retry_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO", "text")

    logging.getLogger("aiokafka.consumer").warning("retrying")
    logging.getLogger("workers.bootstrap.app").info("ready")

    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("INFO    workers.bootstrap.app  ready")


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_keeps_its_secrets(
    capsys: pytest.CaptureFixture[str], form: Literal["text", "json"]
) -> None:
    set_up_logging("INFO", form)

    error = ValueError("mongodb://ann:hunter2@host")
    logging.getLogger("workers.bootstrap.app").error("redis://:hunter2@host", exc_info=error)

    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "hunter2" not in said


def test_a_machine_finds_one_object_in_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO", "json")

    logging.getLogger("workers.bootstrap.app").warning("two\nlines")

    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line) | {"at": ""} == {
        "at": "",
        "level": "warning",
        "logger": "workers.bootstrap.app",
        "message": "two\nlines",
    }
