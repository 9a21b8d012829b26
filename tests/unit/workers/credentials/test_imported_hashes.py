"""Passwords against hashes that other systems made, each as that system would have checked it."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from passlib import hash as passlib_hash

from contracts.codes import Code
from tests.unit.workers.credentials.test_hashing import CHEAP
from workers.credentials.hashing import LowPriorityPool, PasswordHasher
from workers.credentials.imported_hashes import import_problem, is_hash_of

formats = cast("Any", passlib_hash)

PASSWORD = "pässwörd ² correct"  # NFKC makes another one of it
LONG = "é" * 50
MADE = {
    "bcrypt": {"rounds": 4},
    "bcrypt_sha256": {"rounds": 4},
    "django_bcrypt": {"rounds": 4},
    "django_bcrypt_sha256": {"rounds": 4},
    "argon2": {"rounds": 1, "memory_cost": 64, "parallelism": 1},
    "django_argon2": {"rounds": 1, "memory_cost": 64, "parallelism": 1},
    "scrypt": {"rounds": 4},
    "pbkdf2_sha1": {"rounds": 10},
    "pbkdf2_sha256": {"rounds": 10},
    "pbkdf2_sha512": {"rounds": 10},
    "django_pbkdf2_sha1": {"rounds": 10},
    "django_pbkdf2_sha256": {"rounds": 10},
}
"""Format → the least work it takes."""


def made(name: str, password: str | bytes = PASSWORD) -> str:
    return str(getattr(formats, name).using(**MADE[name]).hash(password))


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    pool = LowPriorityPool("hashing", 1)
    yield PasswordHasher(CHEAP, pool)
    pool.close()


@pytest.mark.parametrize("name", MADE)
def test_the_right_password_is_found_right_and_no_other(name: str) -> None:
    foreign = made(name)

    assert import_problem(foreign) is None
    assert is_hash_of(foreign, PASSWORD)
    assert not is_hash_of(foreign, PASSWORD + "x")


@pytest.mark.parametrize("name", ["bcrypt", "django_bcrypt"])
def test_bcrypt_sees_72_bytes_as_it_did_there(name: str) -> None:
    foreign = made(name, LONG.encode()[:72])

    assert is_hash_of(foreign, LONG)
    assert not is_hash_of(foreign, "x" + LONG)


def test_what_the_library_cannot_read_is_not_taken() -> None:
    foreign = f"$pbkdf2-sha256$1000${'s' * 21}${'h' * 43}"  # no base64 has that length

    assert import_problem(foreign) is Code.PASSWORD_HASH_UNSUPPORTED
    assert not is_hash_of(foreign, PASSWORD)


class TestHasher:
    def test_takes_a_password_as_it_was_typed(self, hasher: PasswordHasher) -> None:
        assert hasher.verify_imported_here(PASSWORD, made("pbkdf2_sha256"))

    def test_takes_it_as_a_service_like_this_one_hashed_it(self, hasher: PasswordHasher) -> None:
        exported = made("bcrypt_sha256", PASSWORD.replace("²", "2"))

        assert hasher.verify_imported_here(PASSWORD, exported)

    @pytest.mark.parametrize("nobodys", ["x" * 257, "with\0nul", ""])
    def test_takes_nothing_that_is_nobodys(self, hasher: PasswordHasher, nobodys: str) -> None:
        for name in MADE:
            assert not hasher.verify_imported_here(nobodys, made(name))
