"""deploy/kafka-acls.sh grants exactly what docs/access.md says, to the roles that need it."""

import os
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import pytest

from contracts.topics import INPUTS, REPLIES, TOPICS
from tests.places import REPOSITORY
from tests.unit.docs_tables import ACCESS
from workers.config.roles import Role

Grant: TypeAlias = tuple[str, str, str]
"""Role, resource (`topic:accounts.commands.*`), operation."""

FAKE = """#!/usr/bin/env bash
printf '%s\\t' "$@" >> "$CALLS"; echo >> "$CALLS"
"""
"""Stands for Kafka's own tool and writes down what it is asked."""

WORKERS = {role.value for role in Role}
ROLES = (*WORKERS, "sender", "gateway", "subscriber", "operator", "repairer")


def granted(folder: Path) -> set[Grant]:
    """Return what the script asks for."""
    tool = folder / "kafka-acls.sh"
    tool.write_text(FAKE)
    tool.chmod(0o755)
    calls = folder / "calls"
    subprocess.run(
        [REPOSITORY / "deploy/kafka-acls.sh", "--bootstrap-server", "broker:9092"],
        env={"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls)},
        check=True,
    )
    return {grant for line in calls.read_text().splitlines() for grant in _grants(line.split("\t"))}


def _grants(words: list[str]) -> set[Grant]:
    def after(option: str) -> list[str]:
        return [word for before, word in pairwise(words) if before == option]

    assert after("--bootstrap-server") == ["broker:9092"]
    assert "--add" in words
    role = after("--allow-principal")[0].removeprefix("User:accounts-")
    star = "*" if after("--resource-pattern-type") == ["prefixed"] else ""
    kinds = {kind: after(f"--{kind}") for kind in ("topic", "group")}
    resources = {f"{kind}:{name}{star}" for kind, names in kinds.items() for name in names}
    if "--cluster" in words:
        resources.add("cluster")
    return {(role, resource, each) for resource in resources for each in after("--operation")}


def documented() -> set[Grant]:
    """Return what the table says."""
    text = ACCESS.read_text(encoding="utf-8")
    rows = re.findall(rf"^\| ({'|'.join(ROLES)})\b[^|]* \| ([^|]*) \|", text, re.MULTILINE)
    return {
        (role, resource, operation)
        for role, cell in rows
        for part in cell.split("; ")
        for what, operations in [part.rsplit(": ", 1)]
        for resource in _resources(what)
        for operation in operations.split(", ")
    }


def _resources(what: str) -> list[str]:
    if "cluster" in what:
        return ["cluster"]
    kind = "group" if what.startswith("group") else "topic"
    return [f"{kind}:{name}" for name in re.findall(r"`([^`]+)`", what)]


def test_the_table_and_the_script_say_the_same(tmp_path: Path) -> None:
    assert granted(tmp_path) == documented()


def test_every_role_has_its_row() -> None:
    assert {role for role, _, _ in documented()} == set(ROLES)


def test_only_workers_and_who_repairs_write_what_is_published() -> None:
    published = {f"topic:accounts.{topic.name}" for topic in TOPICS if topic.kind not in INPUTS}
    writers = {role for role, what, each in documented() if each == "Write" and what in published}

    assert writers == WORKERS | {"repairer"}


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.kind in INPUTS])
def test_every_command_and_request_has_one_worker_that_reads_it(topic: str) -> None:
    readers = {
        role
        for role, what, each in documented()
        if each == "Read" and _names(what.removeprefix("topic:"), topic)
    }

    assert len(readers & WORKERS) == 1


@pytest.mark.parametrize("role", ["sender", "gateway"])
def test_nobody_but_the_caller_reads_its_replies(role: str) -> None:
    readable = {what for who, what, each in documented() if (who, each) == (role, "Read")}

    assert f"topic:accounts.{REPLIES}{role}*" in readable
    assert f"topic:accounts.{REPLIES}*" not in readable


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_every_topic_has_somebody_who_writes_it(topic: str) -> None:
    writable = {what.removeprefix("topic:") for _, what, each in documented() if each == "Write"}

    assert any(_names(name, topic) for name in writable)


def _names(pattern: str, topic: str) -> bool:
    name = f"accounts.{topic}"
    return name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))
