"""Where a password comes from, and that nobody sees it on its way."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from cli.arguments.passwords import PasswordFrom, claim, password
from cli.screen.output import CliError
from tests.places import REPOSITORY
from tests.unit.sealed import CANARY, CLAIM

ASK = (
    "from cli.arguments.passwords import PasswordFrom, password\n"
    "print(len(password(PasswordFrom(), confirm=False)))"
)


class TestPassword:
    @pytest.mark.parametrize(
        ("content", "found"),
        [
            (b"secret", "secret"),
            (b"secret\n", "secret"),
            (b"secret\r\nsecond line\n", "secret"),
            (b" s p a c e s \n", " s p a c e s "),
            ("pässwörd\n".encode(), "pässwörd"),
            (b"", ""),
        ],
        ids=repr,
    )
    def test_is_the_first_line_of_the_file(
        self, tmp_path: Path, content: bytes, found: str
    ) -> None:
        (tmp_path / "file").write_bytes(content)

        source = PasswordFrom(password_file=tmp_path / "file")

        assert password(source, confirm=True) == found

    @pytest.mark.parametrize("content", [None, CANARY.encode("utf-16")], ids=["none", "binary"])
    def test_says_why_the_file_has_none(self, tmp_path: Path, content: bytes | None) -> None:
        if content is not None:
            (tmp_path / "file").write_bytes(content)

        with pytest.raises(CliError, match=r"no password in .*file: ") as caught:
            password(PasswordFrom(password_file=tmp_path / "file"), confirm=False)

        assert "canary" not in str(caught.value)

    def test_is_asked_for_without_echo(self) -> None:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-c", ASK],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            cwd=REPOSITORY,
            start_new_session=True,  # so that the terminal of whoever runs the tests is not asked
        ) as process:
            os.close(theirs)
            try:
                shown = b""
                while not shown.endswith(b": "):  # the echo is off before the last sign of it
                    shown += os.read(ours, 100)
                os.write(ours, f"{CANARY}\n".encode())
                said, _ = process.communicate(timeout=30)
                shown += os.read(ours, 1000)
            finally:
                process.kill()
                os.close(ours)

        assert said.decode().strip() == str(len(CANARY))
        assert shown.decode().split() == ["Password:"]


class TestClaim:
    def test_is_the_first_line_of_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text(f"{CLAIM}\nsecond line\n")

        assert claim(tmp_path / "file") == CLAIM

    @pytest.mark.parametrize(
        "content",
        [None, CANARY, f"{CANARY * 2}=", f" {CANARY * 2}"],
        ids=["none", "short", "=", " "],
    )
    def test_says_how_to_make_one(self, tmp_path: Path, content: str | None) -> None:
        if content is not None:
            (tmp_path / "file").write_text(content)

        with pytest.raises(CliError, match=r"no claim in .*file: ") as caught:
            claim(tmp_path / "file")

        assert "canary" not in str(caught.value)
