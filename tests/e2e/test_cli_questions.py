"""What the command line asks of a running worker: profile, balance, transactions, outcome."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.cli_process import Program
from tests.e2e.running import RunningService

PASSWORD = "one two three four"


@pytest.fixture(scope="module")
def accounts(service: RunningService) -> Program:
    (service.folder / "sealing-keys.json").write_text(json.dumps(service.ring().sealing_jwks()))
    (service.folder / "password").write_text(PASSWORD)
    return Program(service.folder, service.environ)


@pytest.fixture(scope="module")
def alice(accounts: Program) -> str:
    """Return a user who paid in five times, and was refused once."""
    username = f"alice-{uuid4().hex[:8]}"
    words = "--email", f"{username}@example.com", "--first-name", "Alice", "--last-name", "L"
    key = "--sealing-key", "sealing-keys.json", "--password-file", "password"
    sent = [accounts.run("send", "register", username, *words, *key, "--command-id", "join")]
    for number, currency in enumerate(("USD", "USD", "USD", "KWD", "USD"), start=1):
        pay = "deposit", username, f"{number}.50", currency, "--command-id", f"pay-{number}"
        sent.append(accounts.run("send", *pay))
    assert [one.returncode for one in sent] == [0] * 6, sent
    take = "withdraw", username, "99", "USD", "--command-id", "take"
    assert accounts.run("send", *take).returncode == 3
    return username


def asked(accounts: Program, *arguments: str) -> tuple[int, dict[str, Any]]:
    ended = accounts.run(*arguments, "--output", "json")
    return ended.returncode, json.loads(ended.stdout)


class TestProfile:
    def test_says_who_a_user_is(self, accounts: Program, alice: str) -> None:
        ended = accounts.run("profile", alice)

        assert ended.returncode == 0
        assert f"✓ accepted  profile of {alice}" in ended.stdout
        assert f"{alice}@example.com" in ended.stdout
        assert "\x1b" not in ended.stdout

    def test_gives_programs_the_reply(self, accounts: Program, alice: str) -> None:
        code, reply = asked(accounts, "profile", alice)

        assert code == 0
        assert reply["profile"]["email"] == f"{alice}@example.com"
        assert reply["profile"]["opened_at"].endswith("Z")

    def test_exits_3_where_there_is_no_such_account(self, accounts: Program) -> None:
        code, reply = asked(accounts, "profile", "nobody-at-all")

        assert code == 3
        assert reply["error"]["code"] == "unknown_account"


class TestBalance:
    def test_shows_all_currencies(self, accounts: Program, alice: str) -> None:
        ended = accounts.run("balance", alice)

        rows = [line.split() for line in ended.stdout.splitlines()]
        assert rows == [
            ["currency", "posted", "held", "available"],
            ["KWD", "4.500", "0.000", "4.500"],
            ["USD", "13.00", "0.00", "13.00"],
        ]

    def test_shows_the_one_asked_for(self, accounts: Program, alice: str) -> None:
        code, reply = asked(accounts, "balance", alice, "--currency", "KWD")

        assert code == 0
        assert reply["balances"]["balances"] == {
            "KWD": {
                "posted": "4.500",
                "held": "0.000",
                "overdraft": "0.000",
                "available": "4.500",
            }
        }

    def test_says_that_there_never_was_any(self, accounts: Program, alice: str) -> None:
        ended = accounts.run("balance", alice, "--currency", "EUR")

        assert (ended.returncode, ended.stdout) == (0, "")
        assert f"{alice} never held EUR" in ended.stderr


class TestTransactions:
    def test_shows_a_page_newest_first_and_how_to_go_on(
        self, accounts: Program, alice: str
    ) -> None:
        first = accounts.run("transactions", alice, "--limit", "2")
        assert "--cursor " in first.stderr
        cursor = first.stderr.split()[-1]
        second = accounts.run("transactions", alice, "--limit", "2", "--cursor", cursor)

        shown = [line.split()[0] for line in (first.stdout + second.stdout).splitlines()]
        assert shown == ["sequence", "5", "4", "sequence", "3", "2"]

    def test_shows_all_pages_under_one_heading(self, accounts: Program, alice: str) -> None:
        ended = accounts.run("transactions", alice, "--limit", "2", "--all", "--order", "oldest")

        shown = [line.split()[0] for line in ended.stdout.splitlines()]
        assert (ended.returncode, ended.stderr) == (0, "")
        assert shown == ["sequence", "1", "2", "3", "4", "5"]

    def test_gives_programs_one_page_a_line(self, accounts: Program, alice: str) -> None:
        ended = accounts.run("transactions", alice, "--limit", "2", "--all", "--output", "json")

        pages = [json.loads(line)["page"]["transactions"] for line in ended.stdout.splitlines()]
        assert [one["sequence"] for page in pages for one in page] == [5, 4, 3, 2, 1]
        assert pages[0][0]["command_id"] == "pay-5"

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            (("--currency", "KWD"), [4]),
            (("--kind", "withdrawn"), []),
            (("--kind", "deposited", "--currency", "USD"), [5, 3, 2, 1]),
            (("--from", "2099-01-01T00:00:00Z"), []),
            (("--to", "2099-01-01T00:00:00Z", "--limit", "1"), [5]),
        ],
        ids=str,
    )
    def test_shows_what_is_asked_for(
        self, accounts: Program, alice: str, filters: tuple[str, ...], found: list[int]
    ) -> None:
        code, reply = asked(accounts, "transactions", alice, *filters)

        assert code == 0
        assert [one["sequence"] for one in reply["page"]["transactions"]] == found

    def test_exits_3_for_a_cursor_that_is_none(self, accounts: Program, alice: str) -> None:
        code, reply = asked(accounts, "transactions", alice, "--cursor", "nonsense")

        assert code == 3
        assert reply["error"]["code"] == "cursor_invalid"


class TestOutcome:
    @pytest.mark.parametrize(
        ("command_id", "code", "status"), [("pay-1", 0, "accepted"), ("take", 3, "rejected")]
    )
    def test_exits_as_the_command_did(
        self, accounts: Program, alice: str, command_id: str, code: int, status: str
    ) -> None:
        ended, reply = asked(accounts, "outcome", alice, command_id)

        assert ended == code
        assert reply["outcome"]["state"] == "decided"
        assert reply["outcome"]["result"]["status"] == status

    def test_shows_what_moved(self, accounts: Program, alice: str) -> None:
        ended = accounts.run("outcome", alice, "pay-1")

        assert f"✓ accepted  deposit of {alice}" in ended.stdout
        assert "0.00 → 1.50 USD" in ended.stdout

    def test_exits_4_where_nothing_was_decided_so_far(self, accounts: Program, alice: str) -> None:
        ended = accounts.run("outcome", alice, "never-sent")

        assert ended.returncode == 4
        assert f"? not decided so far  never-sent of {alice}" in ended.stdout


class TestWithoutAnAnswer:
    def test_exits_4_and_says_so(self, accounts: Program, installed: RunningService) -> None:
        prefix = f"idle-{uuid4().hex[:8]}."
        idle = Program(accounts.cwd, {**installed.environ, "ACCOUNTS_TOPIC_PREFIX": prefix})
        assert idle.run("topics", "apply").returncode == 0

        ended = idle.run("balance", "alice", "--timeout", "0.5")

        assert (ended.returncode, ended.stdout) == (4, "")
        assert "? no answer  get-balance of alice" in ended.stderr
