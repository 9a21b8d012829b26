"""Which hashes of other systems are taken, and that none costs a sign-in too much."""

import pytest

from contracts.codes import Code
from handlers.identity.foreign_hashes import HASH_LENGTH_MAX, format_of, hash_problem

SALT, DIGEST = "abcdefghijklmnopqrstuO", "x" * 31
COSTLY, UNSUPPORTED = Code.PASSWORD_HASH_TOO_COSTLY, Code.PASSWORD_HASH_UNSUPPORTED


def bcrypt(rounds: str = "12", ident: str = "2b") -> str:
    return f"${ident}${rounds}${SALT}{DIGEST}"


def bcrypt_sha256(rounds: str = "12") -> str:
    return f"$bcrypt-sha256$v=2,t=2b,r={rounds}${SALT}${DIGEST}"


def argon2(memory: str = "65536", passes: str = "3", lanes: str = "4", kind: str = "id") -> str:
    return f"$argon2{kind}$v=19$m={memory},t={passes},p={lanes}${'s' * 22}${'h' * 43}"


def scrypt(log: str = "17", block: str = "8", lanes: str = "1") -> str:
    return f"$scrypt$ln={log},r={block},p={lanes}${'s' * 22}${'h' * 43}"


def pbkdf2(rounds: str = "600000", kind: str = "-sha256", length: int = 43) -> str:
    return f"$pbkdf2{kind}${rounds}${'s' * 22}${'h' * length}"


def django(rounds: str = "870000", kind: str = "sha256", length: int = 43) -> str:
    return f"pbkdf2_{kind}${rounds}$salt22${'h' * length}="


@pytest.mark.parametrize(
    ("foreign", "name"),
    [
        (bcrypt(), "bcrypt"),
        (bcrypt(ident="2a"), "bcrypt"),
        (bcrypt(ident="2y"), "bcrypt"),
        (bcrypt_sha256(), "bcrypt_sha256"),
        (f"bcrypt${bcrypt()}", "django_bcrypt"),
        (f"bcrypt_sha256${bcrypt()}", "django_bcrypt_sha256"),
        (argon2(), "argon2"),
        (argon2(kind="i"), "argon2"),
        (f"argon2{argon2()}", "django_argon2"),
        (scrypt(), "scrypt"),
        (pbkdf2("1", "", 27), "pbkdf2_sha1"),
        (pbkdf2(), "pbkdf2_sha256"),
        (pbkdf2("210000", "-sha512", 86), "pbkdf2_sha512"),
        (django(), "django_pbkdf2_sha256"),
        (django(kind="sha1", length=27), "django_pbkdf2_sha1"),
    ],
)
def test_every_format_is_known_by_how_it_is_written(foreign: str, name: str) -> None:
    assert (format_of(foreign), hash_problem(foreign)) == (name, None)


@pytest.mark.parametrize(
    ("foreign", "problem"),
    [
        (bcrypt("04"), None),
        (bcrypt("14"), None),
        (bcrypt("15"), COSTLY),
        (bcrypt("31"), COSTLY),
        (bcrypt("03"), COSTLY),
        (bcrypt_sha256("15"), COSTLY),
        (f"bcrypt_sha256${bcrypt('15')}", COSTLY),
        (argon2("131072", "4", "1"), None),
        (argon2("131073", "1", "1"), COSTLY),
        (argon2("131072", "5", "1"), COSTLY),
        (argon2("4194304", "1", "1"), COSTLY),
        (argon2("8", "65536", "1"), None),
        (argon2("8", "65537", "1"), COSTLY),
        (argon2("256", "1", "16"), None),
        (argon2("256", "1", "17"), COSTLY),
        (argon2("7", "1", "1"), COSTLY),
        (scrypt("17", "8", "2"), None),
        (scrypt("17", "8", "3"), COSTLY),
        (scrypt("18", "8", "1"), COSTLY),
        (scrypt("10", "1024", "1"), None),
        (scrypt("10", "1025", "1"), COSTLY),
        (scrypt("99", "1", "1"), COSTLY),
        (scrypt("10", "8", "17"), COSTLY),
        (pbkdf2("2000000"), None),
        (pbkdf2("2000001"), COSTLY),
        (pbkdf2("1000000000"), COSTLY),
        (django("1000000000"), COSTLY),
    ],
)
def test_none_costs_more_than_a_sign_in_may(foreign: str, problem: Code | None) -> None:
    assert hash_problem(foreign) is problem


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "correct horse battery staple",
        bcrypt(ident="2x"),
        bcrypt() + "x",
        bcrypt() + "\n",
        bcrypt("1²"),
        pbkdf2("0"),
        pbkdf2("99999999999"),
        pbkdf2(length=86),  # more blocks than are counted
        pbkdf2(kind="-md5"),
        argon2() + "x" * HASH_LENGTH_MAX,
        "$1$salt$md5",
        "{SSHA}x",
        "sha1$a$b",
    ],
)
def test_anything_else_is_none(foreign: str) -> None:
    assert hash_problem(foreign) is UNSUPPORTED
