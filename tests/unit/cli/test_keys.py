"""`accounts keys`: what is made, replaced and listed, and that nothing private is printed."""

import json
from contextvars import copy_context
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.commands.keys import keys_app
from cli.screen.output import CliError, Format, choose
from contracts.message import rfc3339
from workers.keys.files import KeysError, read_keys, retire
from workers.keys.pairs import KeyKind, KeyPair
from workers.keys.rotation import ACTIVATION_S, OVERLAP_S


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # no settings file of this machine takes part
    monkeypatch.setenv("ACCOUNTS_KEYS_DIR", str(tmp_path / "keys"))
    return tmp_path / "keys"


def run(*arguments: str, form: Format = Format.TEXT) -> str:
    def inside() -> str:
        choose(form)
        return CliRunner().invoke(keys_app, list(arguments), catch_exceptions=False).output

    return copy_context().run(inside)


def told(*arguments: str) -> Any:
    return json.loads(run(*arguments, form=Format.JSON))


def seconds_between(first: datetime, second: datetime | None) -> float:
    assert second is not None
    return (second - first).total_seconds()


def keys_in(folder: Path) -> list[KeyPair]:
    return [key for kind in KeyKind for key in read_keys(folder, kind)]


class TestNew:
    def test_makes_the_folder_and_a_key_of_each_kind_and_names_them(self, folder: Path) -> None:
        said = run("new")

        assert [key.kind for key in keys_in(folder)] == list(KeyKind)
        for key in keys_in(folder):
            assert f"Made the {key.kind.value} key {key.kid} in {folder}" in said

    def test_makes_only_what_is_missing(self, folder: Path) -> None:
        run("new", "--kind", "sealing")

        made = told("new")["made"]
        again = run("new")

        assert [key["kind"] for key in made] == ["signing", "mac"]
        assert again.startswith(f"None is missing in {folder}; `accounts keys rotate`")
        assert len(keys_in(folder)) == len(KeyKind)

    def test_says_it_to_programs(self, folder: Path) -> None:
        said = told("new")

        assert set(said) == {"folder", "made"}
        assert said["made"] == [
            {
                "kind": key.kind.value,
                "kid": key.kid,
                "created_at": rfc3339(key.created_at),
                "activates_at": rfc3339(key.created_at),
                "retires_at": None,
            }
            for key in keys_in(folder)
        ]

    @pytest.mark.parametrize("kind", KeyKind, ids=lambda kind: kind.value)
    def test_adds_one_of_a_kind_that_waits_and_replaces_none(
        self, folder: Path, kind: KeyKind
    ) -> None:
        run("new")
        (old,) = read_keys(folder, kind)

        run("new", "--kind", kind.value)

        newest, other = read_keys(folder, kind)
        assert other == old
        assert seconds_between(newest.created_at, newest.activates_at) == ACTIVATION_S


class TestRotate:
    def test_replaces_a_key_of_each_kind(self, folder: Path) -> None:
        run("new")
        old = keys_in(folder)

        said = run("rotate")

        for before in old:
            newest, replaced = read_keys(folder, before.kind)
            assert replaced.kid == before.kid
            assert seconds_between(newest.created_at, newest.activates_at) == ACTIVATION_S
            assert newest.retires_at is None
            assert newest.kid in said
            if before.kind is KeyKind.MAC:
                assert replaced.retires_at is None
                assert f"{replaced.kid} stays good" in said
                continue
            overlap_s = seconds_between(newest.activates_at, replaced.retires_at)
            assert overlap_s == OVERLAP_S[before.kind]
            assert replaced.retires_at is not None
            assert f"{replaced.kid} is good until {rfc3339(replaced.retires_at)}" in said

    def test_replaces_one_kind_with_the_times_given(self, folder: Path) -> None:
        run("new")

        said = told("rotate", "--kind", "signing", "--activation", "5", "--overlap", "1000")

        newest, replaced = read_keys(folder, KeyKind.SIGNING)
        assert seconds_between(newest.created_at, newest.activates_at) == 5
        assert seconds_between(newest.activates_at, replaced.retires_at) == 1000
        assert len(read_keys(folder, KeyKind.SEALING)) == 1
        assert [key["kid"] for key in said["made"]] == [newest.kid]
        assert [key["kid"] for key in said["replaced"]] == [replaced.kid]

    def test_makes_what_is_missing(self, folder: Path) -> None:
        run("rotate")

        assert [key.kind for key in keys_in(folder)] == list(KeyKind)

    @pytest.mark.parametrize("overlap_s", [0, 305])
    def test_keeps_a_signing_key_as_long_as_its_tokens(self, folder: Path, overlap_s: int) -> None:
        run("new")

        with pytest.raises(CliError, match="--overlap must be above 305 for signing keys"):
            run("rotate", "--overlap", str(overlap_s))

        assert len(keys_in(folder)) == len(KeyKind)

    def test_need_not_keep_one_longer(self, folder: Path) -> None:
        run("new")

        run("rotate", "--overlap", "306")

        assert len(keys_in(folder)) == 2 * len(KeyKind)

    def test_gives_a_key_of_accounts_no_overlap(self, folder: Path) -> None:
        run("new")

        with pytest.raises(CliError, match="mac keys have no --overlap"):
            run("rotate", "--kind", "mac", "--overlap", "306")

        assert len(keys_in(folder)) == len(KeyKind)

    def test_asks_for_an_overlap_where_tokens_live_longer_than_its_own(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ACCOUNTS_ACCESS_TOKEN_S", "86400")

        with pytest.raises(CliError, match="--overlap must be above 86405"):
            run("rotate")

        run("rotate", "--kind", "sealing")
        assert [key.kind for key in keys_in(folder)] == [KeyKind.SEALING]

    @pytest.mark.usefixtures("folder")
    def test_may_retire_a_sealing_key_at_once(self) -> None:
        run("new")

        run("rotate", "--kind", "sealing", "--activation", "0", "--overlap", "0")

        assert [row["state"] for row in told("list")] == ["active", "retired", "active", "active"]


class TestList:
    def test_shows_what_each_key_is(self, folder: Path) -> None:
        run("new")
        run("new", "--kind", "signing")
        run("rotate", "--kind", "sealing")

        rows = told("list")

        new, old = read_keys(folder, KeyKind.SEALING)
        added, first = read_keys(folder, KeyKind.SIGNING)
        (mac,) = read_keys(folder, KeyKind.MAC)
        assert [(row["kind"], row["kid"], row["state"]) for row in rows] == [
            ("sealing", new.kid, f"waiting until {rfc3339(new.activates_at)}"),
            ("sealing", old.kid, "active"),
            ("signing", added.kid, f"waiting until {rfc3339(added.activates_at)}"),
            ("signing", first.kid, "active"),
            ("mac", mac.kid, "active"),
        ]

    def test_tells_the_replaced_from_the_retired(self, folder: Path) -> None:
        run("new")
        run("rotate", "--activation", "0")
        run("rotate", "--kind", "signing", "--activation", "0")
        oldest = read_keys(folder, KeyKind.SIGNING)[-1]
        retire(folder, oldest, oldest.created_at)

        rows = told("list")

        times = [key.retires_at for key in keys_in(folder) if key.kid != oldest.kid]
        retiring = [f"retiring until {rfc3339(at)}" for at in times if at is not None]
        assert [row["state"] for row in rows] == [
            "active",
            retiring[0],
            "active",
            retiring[1],
            "retired",
            "active",
            "superseded",
        ]

    def test_shows_one_that_was_replaced_and_never_retires(self, folder: Path) -> None:
        run("new")
        run("rotate", "--kind", "sealing", "--activation", "0")
        oldest = read_keys(folder)[-1]
        content = json.loads((folder / f"sealing-{oldest.kid}.json").read_text())
        del content["retires_at"]
        (folder / f"sealing-{oldest.kid}.json").write_text(json.dumps(content))

        assert [row["state"] for row in told("list")] == [
            "active",
            "superseded",
            "active",
            "active",
        ]

    def test_of_nothing_says_what_to_do(self, folder: Path) -> None:
        with pytest.raises(KeysError, match=r"accounts keys new"):
            run("list")

        assert not folder.exists()


def test_nothing_private_is_printed(folder: Path) -> None:
    commands = ("new", "list", "rotate", "list")
    said = "".join(run(command, form=form) for form in Format for command in commands)

    assert len(list(folder.iterdir())) > 2
    for path in folder.iterdir():
        jwk = json.loads(path.read_text())
        assert jwk["k" if jwk["kty"] == "oct" else "d"] not in said
