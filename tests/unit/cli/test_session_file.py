"""The file that keeps a user signed in: whole or not there, and nobody else's to read."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from cli.screen.output import CliError
from cli.service.session_file import SavedSession, forget, keep, kept, prepare, session_path
from tests.unit.sealed import CANARY, NOON


def a_session(username: str = "alice") -> SavedSession:
    return SavedSession(
        username=username,
        session_id="s-1",
        access_token=CANARY,
        refresh_token=CANARY,
        expires_at=NOON,
        session_expires_at=NOON + timedelta(days=30),
    )


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestKeep:
    def test_gives_back_what_it_was_given(self, tmp_path: Path) -> None:
        keep(tmp_path / "session.json", a_session())

        assert kept(tmp_path / "session.json") == a_session()

    def test_lets_nobody_else_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "own" / "session.json"

        prepare(path)
        keep(path, a_session())

        assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)

    def test_replaces_a_file_that_others_could_read(self, tmp_path: Path) -> None:
        path = tmp_path / "session.json"
        for one in (path, tmp_path / "session.json.new"):
            one.write_text("{}")
            one.chmod(0o644)

        keep(path, a_session("bobby"))

        session = kept(path)
        assert session is not None
        assert session.username == "bobby"
        assert mode_of(path) == 0o600
        assert [*tmp_path.iterdir()] == [path]

    def test_shows_no_token_in_its_text(self) -> None:
        assert CANARY not in repr(a_session())


class TestPrepare:
    def test_leaves_nothing_behind(self, tmp_path: Path) -> None:
        prepare(tmp_path / "session.json")

        assert [*tmp_path.iterdir()] == []

    def test_says_where_nothing_can_be_kept(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")

        with pytest.raises(CliError, match=r"no session can be kept in .*--session-file"):
            prepare(tmp_path / "file" / "session.json")


class TestKept:
    def test_is_nothing_where_nobody_signed_in(self, tmp_path: Path) -> None:
        assert kept(tmp_path / "session.json") is None

    def test_is_nothing_once_forgotten(self, tmp_path: Path) -> None:
        keep(tmp_path / "session.json", a_session())

        forget(tmp_path / "session.json")
        forget(tmp_path / "session.json")

        assert kept(tmp_path / "session.json") is None

    @pytest.mark.parametrize("content", ["", "{}", f'{{"access_token": "{CANARY}"}}'])
    def test_complains_of_what_is_no_session_and_repeats_nothing_of_it(
        self, tmp_path: Path, content: str
    ) -> None:
        path = tmp_path / "session.json"
        path.write_text(content)

        with pytest.raises(CliError, match="sign in again") as caught:
            kept(path)

        assert CANARY not in str(caught.value)


def test_the_place_is_the_users_own_unless_named(tmp_path: Path) -> None:
    assert session_path(tmp_path / "x") == tmp_path / "x"
    assert session_path(None).name == "session.json"
    assert session_path(None).is_absolute()
