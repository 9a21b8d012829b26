"""What the documentation says is there: tables, commands, settings, files, topics, metrics."""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from cli.app import COMMANDS, application
from cli.moving.account_lines import AccountToOpen, read_account
from cli.moving.lines import Line
from contracts.entries import Entry
from contracts.ledger import Deposit
from contracts.queries import GetBalance
from contracts.topics import REPLIES, TOPICS
from handlers.model.chain import chained
from handlers.wire.encoding import encoded
from tests.places import REPOSITORY
from tests.unit.docs_tables import CONFIGURATION, DOCS, TABLES, with_tables
from workers.config.ledger import LedgerOptions
from workers.config.settings import BOUNDS, PREFIX, setting_names
from workers.monitoring.metrics import Metrics

README = REPOSITORY / "README.md"
README_WORDS_MAX = 1500
"""As `wc -w` counts them, code and tables included: five minutes, with what is typed meanwhile."""

PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md")])
DIRECT_PAGES = sorted(DOCS.glob("*.md"))
"""All but the decisions, of which docs/decisions/README.md has a list."""

ALERTS = REPOSITORY / "deploy/prometheus/alerts.yml"
DASHBOARD = REPOSITORY / "deploy/grafana/accounts.json"
ACLS = REPOSITORY / "deploy/kafka-acls.sh"
OPERATIONS = DOCS / "operations.md"
MESSAGES = DOCS / "messages.md"
DECISIONS = DOCS / "decisions"
FOLDERS = {path.name for path in REPOSITORY.iterdir() if path.is_dir()}
MADE_LATER = {".accounts/dev.env", ".venv/bin/accounts", ".venv/bin/pip", ".venv/bin/python"}
"""What only a run or the set-up makes."""

every_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY))
)


def code(page: Path) -> Iterator[str]:
    """Yield every inline code and every line of a block, joined where it goes on."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def calls(page: Path) -> Iterator[list[str]]:
    """Yield the words after `accounts` of each call on the command line."""
    for piece in code(page):
        match = re.match(r"(?:\.venv/bin/)?accounts ((?:[a-z-]+)(?: .*)?)$", piece)
        if match:
            yield shlex.split(match[1], comments=True)


@cache
def command_line() -> Any:
    found: Any = get_command(application())
    for name in COMMANDS:
        found.resolve_command(None, [name])  # loads it
    return found


def unknown_in(words: list[str]) -> list[str]:
    """Return what the command line does not know of this call."""
    command: Any = command_line()
    words = re.sub(r"--(output \w+|debug)", "", shlex.join(words)).split()
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    unknown = [word for word in words if word.startswith("--") and word not in options]
    if command is command_line() and not words[0].startswith("-"):
        unknown.append(words[0])
    return unknown


@cache
def metric_names() -> set[str]:
    names: set[str] = set()
    for family in Metrics().registry.collect():
        suffixes = {"counter": ["_total"], "info": ["_info"]}.get(family.type, [""])
        if family.type == "histogram":
            suffixes = ["_bucket", "_sum", "_count"]
        names |= {family.name + suffix for suffix in suffixes}
    return names


@pytest.mark.parametrize("page", TABLES, ids=lambda page: page.name)
def test_the_tables_are_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert text == with_tables(page), "run: .venv/bin/python -m tests.unit.docs_tables"


@every_page
def test_a_make_target_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {match[1] for piece in code(page) if (match := re.match(r"make ([a-z-]+)", piece))}

    assert named <= targets


@every_page
def test_a_command_is_there_with_its_options(page: Path) -> None:
    for words in calls(page):
        assert unknown_in(words) == [], f"accounts {shlex.join(words)}"


def test_an_unknown_command_or_option_would_be_noticed() -> None:
    assert unknown_in(["topics", "apply", "--dry-run"]) == []
    assert unknown_in(["topics", "apply", "--wet-run"]) == ["--wet-run"]
    assert unknown_in(["replay"]) == ["replay"]


@every_page
def test_a_setting_is_there(page: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z0-9_]*[A-Z0-9])\b(?!_|…)", page.read_text()))
    known = {name.upper() for name in setting_names()} | {"CONFIG"}

    assert {name for name in named if not name.startswith(("TEST_", "DEV_"))} <= known


@every_page
def test_a_file_is_there(page: Path) -> None:
    named = {
        word.rstrip(",;:)")
        for piece in code(page)
        for word in piece.split()
        if word.split("/")[0] in FOLDERS and re.fullmatch(r"[\w./-]+", word) and "/" in word
    }

    missing = [name for name in named - MADE_LATER if not (REPOSITORY / name).exists()]
    assert missing == []


@every_page
def test_a_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))

    for name, anchor in links:
        target = page.parent / name if name else page
        assert target.exists(), name
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= README_WORDS_MAX


def test_the_readme_leads_to_every_page() -> None:
    linked = re.findall(r"\]\(docs/([\w-]+\.md)[)#]", README.read_text(encoding="utf-8"))

    assert {page.name for page in DIRECT_PAGES} == set(linked)


@every_page
def test_a_message_is_one_that_is_understood(page: Path) -> None:
    for block in re.findall(r"```json\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        if "balances" in block and "event_id" not in block:
            assert isinstance(read_account(Line(1, block.encode()), "docs"), AccountToOpen)
            continue
        model = Entry if "event_id" in block else GetBalance if "request_id" in block else Deposit
        assert model.model_validate_json(block).username == "alice"


def test_an_entry_that_is_shown_has_its_hash() -> None:
    blocks = re.findall(r"```json\n(.*?)```", MESSAGES.read_text("utf-8"), re.DOTALL)
    [block] = [one for one in blocks if "event_id" in one]
    shown = json.loads(block)
    stated = shown.pop("hash")

    published, digest = chained(encoded(shown))

    assert digest.hex() == stated
    assert json.loads(published) == {**shown, "hash": stated}


def test_the_readme_has_the_figures_of_the_benchmarks() -> None:
    [speed] = re.findall(
        r"^## Speed\n(.*?)^## ", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    told = re.findall(r"\d[\d,]*", speed)

    assert told
    assert set(told) <= set(re.findall(r"\d[\d,]*", (DOCS / "benchmarks.md").read_text("utf-8")))


@pytest.mark.parametrize("setting", BOUNDS)
def test_a_bound_of_the_workers_has_a_unit_and_a_reason(setting: str) -> None:
    """P12: named, with its unit, and in docs/configuration.md with more than the name said again."""
    bound = BOUNDS[setting]
    if not isinstance(getattr(LedgerOptions(), bound), int):
        return
    text = CONFIGURATION.read_text(encoding="utf-8")
    row = re.search(rf"`{PREFIX}{setting.upper()}` \| `\d+` \| (.*) \|", text)

    assert re.search(r"(_ms|_s|_max|^lanes)$", bound)
    assert row is not None
    assert len(row[1].split()) > len(bound.split("_"))


@pytest.mark.parametrize("page", [README, ACLS, *DIRECT_PAGES], ids=lambda page: page.name)
def test_a_topic_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(
        r"(?:\baccounts\.|\$\{PREFIX\})((?:[a-z][a-z-]*\.)*[a-z-]+\b(?!\()|[a-z]+\.)", text
    )
    groups = {f"{topic.name.split('.')[0]}." for topic in TOPICS} | {REPLIES}
    known = {topic.name for topic in TOPICS} | groups | {group.rstrip(".") for group in groups}
    own_files = {"json", "yaml", "py"}

    of_callers = {name for name in named if name.startswith(REPLIES)}

    assert named or page in DIRECT_PAGES
    assert set(named) - own_files - of_callers <= known


def test_no_example_writes_into_the_checkout() -> None:
    started = [
        line for page in PAGES for line in code(page) if re.match(r"\S*bin/python examples/", line)
    ]
    files = [word for line in started for word in line.split() if word.endswith(".json")]

    assert files
    assert all(Path(file).is_absolute() for file in files)


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=lambda path: path.name)
def test_a_metric_is_there(path: Path) -> None:
    named = set(re.findall(r"\baccounts_[a-z_]+\b", path.read_text()))

    assert named
    assert named <= metric_names()


def test_every_alert_has_its_advice() -> None:
    rules = [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]
    advised = re.findall(r"^\| (Accounts\w+) \|", OPERATIONS.read_text(), re.MULTILINE)

    assert sorted(rule["alert"] for rule in rules) == sorted(advised)
    for rule in rules:
        assert rule["expr"]
        assert rule["annotations"]["summary"]


def test_the_dashboard_asks_its_own_data_source() -> None:
    dashboard = json.loads(DASHBOARD.read_text())

    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["expr"] for target in panel["targets"])


def test_every_decision_is_listed_under_its_title() -> None:
    listed = dict(
        re.findall(r"\]\((\d{4}-[\w-]+\.md)\) \| (.*) \|", (DECISIONS / "README.md").read_text())
    )
    pages = {path.name: path.read_text() for path in DECISIONS.glob("[0-9]*.md")}

    assert listed.keys() == pages.keys()
    for name, text in pages.items():
        assert text.startswith(f"# {name[:4]} {listed[name]}\n"), name
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
        ]
