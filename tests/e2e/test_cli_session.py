"""`accounts login` and `logout` against a running worker: what is kept, what is printed, what ends."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cli.service.session_file import SavedSession, keep, kept
from tests.e2e.cli_process import Program
from tests.e2e.running import RunningService

PASSWORD = "one two three four"


@pytest.fixture(scope="module")
def accounts(service: RunningService) -> Program:
    (service.folder / "sealing-keys.json").write_text(json.dumps(service.ring().sealing_jwks()))
    (service.folder / "password").write_text(f"{PASSWORD}\n")
    return Program(service.folder, service.environ)


@pytest.fixture(scope="module")
def alice(accounts: Program) -> str:
    username = f"alice-{uuid4().hex[:8]}"
    words = "--email", f"{username}@example.com", "--first-name", "A", "--last-name", "L"
    key = "--sealing-key", "sealing-keys.json"
    registered = accounts.run(
        "send", "register", username, *words, *key, "--password-file", "password"
    )
    assert registered.returncode == 0, registered.stderr
    return username


@pytest.fixture
def file(service: RunningService) -> Path:
    return service.folder / f"session-{uuid4().hex[:8]}.json"


def login(accounts: Program, user: str, file: Path, *more: str) -> tuple[int, dict[str, Any]]:
    ended = accounts.run(
        "login",
        user,
        *("--sealing-key", "sealing-keys.json", "--session-file", file.name, "--output", "json"),
        *(more or ("--password-file", "password")),
    )
    return ended.returncode, json.loads(ended.stdout)


def logout(accounts: Program, file: Path, *more: str) -> tuple[int, dict[str, Any]]:
    ended = accounts.run(
        *("logout", "--sealing-key", "sealing-keys.json", "--session-file", file.name, *more),
        *("--output", "json"),
    )
    return ended.returncode, json.loads(ended.stdout)


def session_in(file: Path) -> SavedSession:
    session = kept(file)
    assert session is not None
    return session


def expired(file: Path) -> None:
    """Make the access token one that is not worth sending."""
    session = session_in(file)
    past = datetime.now(tz=UTC) - timedelta(minutes=1)
    keep(file, session.model_copy(update={"expires_at": past, "access_token": "spent"}))


class TestLogin:
    def test_keeps_the_tokens_and_prints_none(
        self, accounts: Program, alice: str, file: Path
    ) -> None:
        ended = accounts.run(
            *("login", alice, "--sealing-key", "sealing-keys.json", "--session-file", file.name),
            "--password-stdin",
            given=f"{PASSWORD}\n",
        )

        session = session_in(file)
        assert ended.returncode == 0
        assert f"✓ accepted  login of {alice}" in ended.stdout
        assert session.session_id in ended.stdout
        assert session.access_token not in ended.stdout + ended.stderr
        assert session.refresh_token not in ended.stdout + ended.stderr
        assert PASSWORD not in ended.stdout + ended.stderr + file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_prints_them_when_told(self, accounts: Program, alice: str, file: Path) -> None:
        code, said = login(accounts, alice, file, "--password-file", "password", "--show-tokens")

        session = session_in(file)
        assert code == 0
        assert said["access_token"] == session.access_token
        assert said["refresh_token"] == session.refresh_token
        assert said["session_id"] == session.session_id

    def test_is_kept_where_the_user_keeps_such_files(
        self, accounts: Program, alice: str, tmp_path: Path
    ) -> None:
        environ = {**accounts.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        at_home = Program(accounts.cwd, environ)

        ended = at_home.run(
            *("login", alice, "--sealing-key", "sealing-keys.json", "--password-file", "password")
        )
        left = at_home.run("logout", "--sealing-key", "sealing-keys.json")

        assert (ended.returncode, left.returncode) == (0, 0), ended.stderr + left.stderr
        assert f"{tmp_path}/accounts/session.json" in ended.stdout

    @pytest.mark.parametrize("whose", ["known", "unknown"])
    def test_exits_3_and_keeps_nothing_when_refused(
        self, accounts: Program, alice: str, file: Path, service: RunningService, whose: str
    ) -> None:
        (service.folder / "wrong").write_text("not the password")
        user = alice if whose == "known" else f"nobody-{uuid4().hex[:8]}"

        code, said = login(accounts, user, file, "--password-file", "wrong")

        assert code == 3
        assert said["error"]["code"] == "invalid_credentials"
        assert not file.exists()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("login", "ALICE", "--password-file", "password"), "username: write it like alice"),
            (("login", "alice", "--password-file", "none"), "no password in none: No such file"),
            (("login", "alice"), "no terminal to ask for the password"),
            (("logout", "--session-file", "none"), "nobody is signed in: there is no none"),
        ],
    )
    def test_exits_2_where_nothing_can_be_sent(
        self, accounts: Program, arguments: tuple[str, ...], said: str
    ) -> None:
        more = () if "--session-file" in arguments else ("--session-file", "unused")

        ended = accounts.run(*arguments, *more, "--sealing-key", "sealing-keys.json")

        assert ended.returncode == 2
        assert said in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


class TestLogout:
    def test_ends_the_session_and_forgets_it(
        self, accounts: Program, alice: str, file: Path
    ) -> None:
        _, opened = login(accounts, alice, file)

        code, said = logout(accounts, file)

        assert (code, said["sessions_ended"]) == (0, 1)
        assert said["session_id"] == opened["session_id"]
        assert not file.exists()

    def test_ends_all_sessions_of_the_user(
        self, accounts: Program, alice: str, file: Path, service: RunningService
    ) -> None:
        login(accounts, alice, file)
        login(accounts, alice, other := service.folder / f"{file.stem}-other.json")

        code, said = logout(accounts, file, "--everywhere")
        again, nothing = logout(accounts, other)

        assert code == 0
        assert said["sessions_ended"] >= 2
        assert (again, nothing["sessions_ended"]) == (0, 0)

    def test_renews_tokens_that_have_expired_first(
        self, accounts: Program, alice: str, file: Path
    ) -> None:
        login(accounts, alice, file)
        expired(file)

        code, said = logout(accounts, file)

        assert (code, said["sessions_ended"]) == (0, 1)

    def test_is_done_where_the_session_has_ended(
        self, accounts: Program, alice: str, file: Path, service: RunningService
    ) -> None:
        login(accounts, alice, file)
        copy = service.folder / f"{file.stem}-copy.json"
        keep(copy, session_in(file))
        logout(accounts, file)
        expired(copy)

        code, said = logout(accounts, copy)

        assert (code, said["sessions_ended"]) == (0, 0)
        assert not copy.exists()
