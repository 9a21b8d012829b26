"""`accounts send` against a running worker: what it prints, and the exit codes scripts rely on."""

import json
import shlex
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.cli_process import Program
from tests.e2e.running import RunningService

PASSWORD = "one two three four"


@pytest.fixture(scope="module")
def accounts(service: RunningService) -> Program:
    key_file(service).write_text(json.dumps(service.ring().sealing_jwks()))
    return Program(service.folder, service.environ)


def key_file(service: RunningService) -> Path:
    return service.folder / "sealing-keys.json"


def registration(username: str, **changed: str) -> list[str]:
    options = {
        "email": f"{username}@example.com",
        "first-name": "Given",
        "last-name": "Family",
        "sealing-key": "sealing-keys.json",
        **changed,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return ["send", "register", username, *words, "--password-stdin"]


@pytest.fixture(scope="module")
def alice(accounts: Program) -> str:
    """Return a user with 100.00 USD."""
    username = f"alice-{uuid4().hex[:8]}"
    registered = accounts.run(*registration(username), given=PASSWORD)
    assert registered.returncode == 0, registered.stderr
    assert accounts.run("send", "deposit", username, "100", "USD").returncode == 0
    return username


def asked(accounts: Program, *arguments: str) -> tuple[int, dict[str, Any]]:
    ended = accounts.run("send", *arguments, "--output", "json")
    return ended.returncode, json.loads(ended.stdout)


class TestSend:
    def test_exits_0_when_accepted_and_shows_what_moved(
        self, accounts: Program, alice: str
    ) -> None:
        ended = accounts.run(
            "send", "deposit", alice, "10.50", "KWD", "--reason", "a gift", "--command-id", "gift"
        )

        assert ended.returncode == 0
        assert f"✓ accepted  deposit 10.50 KWD to {alice}" in ended.stdout
        assert "0.000 → 10.500 KWD" in ended.stdout
        assert "gift" in ended.stdout
        assert ended.stderr == ""

    def test_exits_3_when_rejected_and_says_why(self, accounts: Program, alice: str) -> None:
        ended = accounts.run("send", "withdraw", alice, "1000.00", "USD")

        assert ended.returncode == 3
        assert "✗ rejected" in ended.stdout
        assert "insufficient_funds" in ended.stdout

    def test_repeats_the_answer_for_the_same_id(self, accounts: Program, alice: str) -> None:
        arguments = "deposit", alice, "1.00", "EUR", "--command-id", "again"

        first, again = asked(accounts, *arguments), asked(accounts, *arguments)

        assert (first[0], again[0]) == (0, 0)
        assert (first[1]["duplicate"], again[1]["duplicate"]) == (False, True)
        assert first[1]["entry"] == again[1]["entry"]

    def test_registers_with_a_sealed_password(self, accounts: Program) -> None:
        username = f"bobby-{uuid4().hex[:8]}"

        code, result = asked_for_registration(accounts, username, PASSWORD)

        assert code == 0
        assert result["type"] == "register"
        assert result["account_id"]

    def test_takes_over_with_the_claim_that_opened(self, accounts: Program, tmp_path: Path) -> None:
        username = f"dave-{uuid4().hex[:8]}"
        (tmp_path / "claim").write_text(token_urlsafe(32) + "\n")
        claim = "--claim-file", str(tmp_path / "claim")

        key = "--sealing-key", "sealing-keys.json"
        opened = accounts.run("send", "open", username, *key, *claim)
        paid = accounts.run("send", "deposit", username, "10", "USD")
        without = accounts.run(*registration(username), given=PASSWORD)
        taken = accounts.run(*registration(username), *claim, given=PASSWORD)

        codes = [each.returncode for each in (opened, paid, without, taken)]
        assert codes == [0, 0, 3, 0], opened.stderr
        assert "username_taken" in without.stdout

    def test_shows_that_a_password_is_too_short(self, accounts: Program) -> None:
        code, result = asked_for_registration(accounts, f"carol-{uuid4().hex[:8]}", "7 signs")

        assert code == 3
        assert result["error"]["code"] == "password_too_short"

    def test_changes_a_profile(self, accounts: Program, alice: str) -> None:
        code, result = asked(accounts, "update-profile", alice, "--phone", "+14155550123")
        cleared, _ = asked(accounts, "update-profile", alice, "--phone", "")

        assert (code, cleared) == (0, 0)
        assert result["type"] == "update-profile"

    def test_does_not_wait_when_told(self, accounts: Program, alice: str) -> None:
        code, sent = asked(accounts, "deposit", alice, "1", "USD", "--no-wait")

        assert code == 0
        assert sent["status"] == "sent"
        assert sent["username"] == alice

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("deposit", "alice", "1,50", "USD"), "amount: write it like 10.50"),
            (("deposit", "alice", "1.50", "usd"), "currency: write it like USD"),
            (("deposit", "al ice", "1.50", "USD"), "username: write it like alice"),
            (("update-profile", "alice"), "name at least one field to change"),
            (
                ("update-profile", "alice", "--email", "nobody"),
                "email: this is no e-mail address; at most 64 bytes stand before the @",
            ),
        ],
    )
    def test_sends_nothing_that_cannot_be_understood(
        self, accounts: Program, arguments: tuple[str, ...], said: str
    ) -> None:
        ended = accounts.run("send", *arguments)

        assert ended.returncode == 2
        assert ended.stderr.splitlines() == [f"accounts: {said}"]


def asked_for_registration(
    accounts: Program, username: str, password: str
) -> tuple[int, dict[str, Any]]:
    ended = accounts.run(*registration(username), "--output", "json", given=f"{password}\n")
    assert password not in ended.stdout + ended.stderr
    return ended.returncode, json.loads(ended.stdout)


class TestSendWithoutAnAnswer:
    @pytest.fixture
    def unheard(self, accounts: Program, installed: RunningService) -> Program:
        """Return one whose commands go where no worker reads: the topics of an idle service."""
        prefix = f"idle-{uuid4().hex[:8]}."
        idle = Program(accounts.cwd, {**installed.environ, "ACCOUNTS_TOPIC_PREFIX": prefix})
        assert idle.run("topics", "apply").returncode == 0
        return idle

    def test_exits_4_and_says_how_to_ask_again(self, unheard: Program) -> None:
        ended = unheard.run("send", "deposit", "alice", "1", "USD", "--timeout", "0.5")

        again = shlex.split(ended.stderr.splitlines()[-1])
        assert ended.returncode == 4
        assert ended.stdout == ""
        assert "? outcome unknown  deposit 1 USD to alice" in ended.stderr
        assert again[:6] == ["accounts", "send", "deposit", "alice", "1", "USD"]
        assert again[-2] == "--command-id"

    def test_tells_programs_the_same(self, unheard: Program) -> None:
        code, record = asked(
            unheard, "deposit", "alice", "1", "USD", "--timeout", "0.5", "--command-id", "c-1"
        )

        assert code == 4
        assert record["status"] == "unknown"
        assert record["command_id"] == "c-1"
        assert record["again"].count("--command-id") == 1

    def test_exits_2_where_nothing_was_sent(self, accounts: Program) -> None:
        away = Program(
            accounts.cwd, {**accounts.environ, "ACCOUNTS_KAFKA_BOOTSTRAP": "127.0.0.1:9"}
        )

        ended = away.run("send", "deposit", "alice", "1", "USD")

        assert ended.returncode == 2
        assert "no Kafka answers at 127.0.0.1:9" in ended.stderr
