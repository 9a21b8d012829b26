"""Key files: whole, for their owner alone, and what they say they are; else refused unread."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from tests.unit.sealed import NOON
from workers.keys.files import KeysError, new_key, read_keys, retire
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing

COMMON = {"kid", "kty", "use", "created_at", "activates_at"}
MEMBERS = {
    KeyKind.SEALING: COMMON | {"alg", "crv", "d", "x"},
    KeyKind.SIGNING: COMMON | {"alg", "crv", "d", "x", "y"},
    KeyKind.MAC: COMMON | {"k"},
}
CHANGES: list[dict[str, str | None]] = [
    *({secret: value} for secret in ("d", "k") for value in (None, "short", "A" * 43)),
    {"kid": "other"},
    {"use": "both"},
    {"alg": "none"},
    {"kty": "RSA"},
    {"crv": "Ed25519"},
    {"crv": "P-384"},
    {"created_at": "yesterday"},
    {"created_at": "2030-01-01T12:00:00"},
    {"activates_at": None},
    {"retires_at": "2030-01-01T12:00:00"},
    {"x": "A" * 43},
    {"padding": "A" * 5000},
]
every_kind = pytest.mark.parametrize("kind", KeyKind, ids=lambda kind: kind.value)


def only_file(directory: Path) -> Path:
    (path,) = directory.glob("*.json")
    return path


class TestANewKey:
    @every_kind
    def test_is_for_its_owner_alone(self, tmp_path: Path, kind: KeyKind) -> None:
        new_key(tmp_path / "keys", NOON, kind)

        assert only_file(tmp_path / "keys").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700

    @every_kind
    def test_is_named_by_its_kind_and_thumbprint(self, tmp_path: Path, kind: KeyKind) -> None:
        key = new_key(tmp_path, NOON, kind)

        assert only_file(tmp_path).name == f"{kind.value}-{key.kid}.json"
        assert key.kid == key.key.thumbprint()

    @every_kind
    def test_comes_back_as_it_was(self, tmp_path: Path, kind: KeyKind) -> None:
        key = new_key(tmp_path, NOON, kind, activates_at=NOON + timedelta(seconds=60))

        assert read_keys(tmp_path, kind) == [key]

    @every_kind
    def test_leaves_no_draft(self, tmp_path: Path, kind: KeyKind) -> None:
        new_key(tmp_path, NOON, kind)

        assert list(tmp_path.iterdir()) == [only_file(tmp_path)]

    def test_says_where_it_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(KeysError, match=r"cannot write .*file"):
            new_key(tmp_path / "file", NOON)


class TestRetiring:
    @every_kind
    def test_is_noted_in_the_file(self, tmp_path: Path, kind: KeyKind) -> None:
        key = new_key(tmp_path, NOON, kind)

        retiring = retire(tmp_path, key, NOON + timedelta(days=1))

        assert retiring == replace(key, retires_at=NOON + timedelta(days=1))
        assert read_keys(tmp_path, kind) == [retiring]
        assert only_file(tmp_path).stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(("second_day", "kept_day"), [(2, 2), (3, 3), (4, 3)])
    def test_is_never_put_off(self, tmp_path: Path, second_day: int, kept_day: int) -> None:
        key = retire(tmp_path, new_key(tmp_path, NOON), NOON + timedelta(days=3))

        again = retire(tmp_path, key, NOON + timedelta(days=second_day))

        assert again.retires_at == NOON + timedelta(days=kept_day)
        assert read_keys(tmp_path) == [again]

    @every_kind
    def test_that_cannot_be_noted_changes_nothing(self, tmp_path: Path, kind: KeyKind) -> None:
        key = new_key(tmp_path, NOON, kind)
        path = only_file(tmp_path)
        path.rename(tmp_path / "kept")
        (path / "in the way").mkdir(parents=True)

        with pytest.raises(KeysError, match=r"cannot write .*(directory|empty)"):
            retire(tmp_path, key, NOON)

        assert {each.name for each in tmp_path.iterdir()} == {"kept", path.name}


class TestAKeyFile:
    @every_kind
    def test_that_cannot_be_read_is_named(self, tmp_path: Path, kind: KeyKind) -> None:
        (tmp_path / f"{kind.value}-folder.json").mkdir()

        with pytest.raises(KeysError, match=rf"cannot read .*{kind.value}-folder\.json: "):
            read_keys(tmp_path, kind)

    @every_kind
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o601])
    def test_open_to_others_is_refused(self, tmp_path: Path, mode: int, kind: KeyKind) -> None:
        new_key(tmp_path, NOON, kind)
        only_file(tmp_path).chmod(mode)

        with pytest.raises(KeysError, match=rf"mode 0{mode:o}.*chmod 600"):
            KeyRing(tmp_path, needs=())

    @pytest.mark.parametrize(
        ("kind", "change"),
        [
            (kind, change)
            for kind in KeyKind
            for change in CHANGES
            if change.keys() <= MEMBERS[kind] | {"retires_at", "padding"}
        ],
        ids=str,
    )
    def test_that_is_wrong_is_refused_without_its_content(
        self, tmp_path: Path, kind: KeyKind, change: dict[str, str | None]
    ) -> None:
        new_key(tmp_path, NOON, kind)
        jwk = json.loads(only_file(tmp_path).read_text())
        assert jwk.keys() == MEMBERS[kind]
        only_file(tmp_path).write_text(json.dumps(jwk | change))

        with pytest.raises(KeysError, match=f"is not a {kind.value} key; restore it") as caught:
            KeyRing(tmp_path, needs=())

        assert jwk["k" if kind is KeyKind.MAC else "d"] not in str(caught.value)
        assert caught.value.__suppress_context__

    @every_kind
    def test_whose_halves_do_not_belong_together_is_refused(
        self, tmp_path: Path, kind: KeyKind
    ) -> None:
        new_key(tmp_path, NOON, kind)
        stranger = new_key(tmp_path / "elsewhere", NOON, kind).public_jwk()
        jwk = json.loads(only_file(tmp_path).read_text())
        only_file(tmp_path).write_text(json.dumps(jwk | stranger))

        with pytest.raises(KeysError, match=f"is not a {kind.value} key"):
            KeyRing(tmp_path, needs=())

    @pytest.mark.parametrize(("kind", "other"), list(permutations(KeyKind, 2)))
    def test_of_another_kind_is_refused(
        self, tmp_path: Path, kind: KeyKind, other: KeyKind
    ) -> None:
        key = new_key(tmp_path, NOON, other)
        only_file(tmp_path).rename(tmp_path / f"{kind.value}-{key.kid}.json")

        with pytest.raises(KeysError, match=f"is not a {kind.value} key"):
            read_keys(tmp_path, kind)

    @every_kind
    def test_that_is_a_copy_is_refused(self, tmp_path: Path, kind: KeyKind) -> None:
        """Two files of one key could disagree on when it retires."""
        key = new_key(tmp_path, NOON, kind)
        copy = tmp_path / f"{kind.value}-copy.json"
        copy.write_bytes(only_file(tmp_path).read_bytes())
        copy.chmod(0o600)

        with pytest.raises(KeysError, match=rf"copy\.json.*rename it to .*{key.kid}\.json"):
            read_keys(tmp_path, kind)

    @every_kind
    @pytest.mark.parametrize("content", ["", "[]", "null", "{", "\x00\xff", "[" * 4000], ids=repr)
    def test_that_is_no_key_is_refused(self, tmp_path: Path, content: str, kind: KeyKind) -> None:
        path = tmp_path / f"{kind.value}-x.json"
        path.write_text(content)
        path.chmod(0o600)

        with pytest.raises(KeysError, match=rf"{kind.value}-x\.json is not a {kind.value} key"):
            read_keys(tmp_path, kind)

    def test_without_times_of_use_is_in_use_for_good(self, tmp_path: Path) -> None:
        """As files were written before keys could retire."""
        key = new_key(tmp_path, NOON)
        jwk = json.loads(only_file(tmp_path).read_text())
        del jwk["activates_at"]
        only_file(tmp_path).write_text(json.dumps(jwk))

        assert read_keys(tmp_path) == [key]
        assert not key.is_retired(NOON + timedelta(days=36_500))


def test_other_files_are_ignored(tmp_path: Path) -> None:
    key = new_key(tmp_path, NOON)
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "sealing-draft.new").touch()
    (tmp_path / "README").touch()

    assert read_keys(tmp_path) == [key]
    assert read_keys(tmp_path, KeyKind.SIGNING) == []
