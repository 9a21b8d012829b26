"""Password hashes that other systems made: which are taken, and what checking one may cost."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from contracts.codes import Code

HASH_LENGTH_MAX = 512
"""Characters: the longest of these formats has two thirds of it."""

BCRYPT_ROUNDS_MAX = 14
"""Binary logarithm: most of a second. Twelve is usual."""

PBKDF2_ROUNDS_MAX = 2_000_000
"""With SHA-512 about a second; OWASP recommends 600,000 with SHA-256, and current frameworks twice that."""

MEMORY_KIB_MAX = 131_072
"""For one password, of argon2 and scrypt: OWASP's strongest recommendation for scrypt. Each hashing thread
may take as much beside the worker's own 200 MB."""

ARGON2_WORK_MAX = 524_288
"""KiB times passes: half a second."""

SCRYPT_WORK_MAX = 2**21
"""N times r times p, which one pass over 256 MiB has: most of a second."""

LANES_MAX = 16
"""Threads that argon2 may start, and parts that scrypt may have."""

_B64 = r"[A-Za-z0-9+/]"
_AB64 = r"[A-Za-z0-9./]"
_BCRYPT = r"\$2[aby]\$(?P<rounds>\d\d)\$[A-Za-z0-9./]{21}[.Oeu][A-Za-z0-9./]{31}"
_ARGON2 = (
    r"\$argon2(?:i|d|id)\$v=19\$m=(?P<memory>[1-9]\d{0,9}),t=(?P<passes>[1-9]\d{0,9}),"
    rf"p=(?P<lanes>[1-9]\d{{0,9}})\${_B64}{{11,86}}\${_B64}{{22,86}}"
)
_ROUNDS = r"(?P<rounds>[1-9]\d{0,9})"

_Numbers: TypeAlias = Mapping[str, int]


class HashFormat(NamedTuple):
    """One format: how it is written, and whether its cost is within bounds."""

    pattern: "re.Pattern[str]"
    is_bounded: Callable[[_Numbers], bool]


def _bcrypt(cost: _Numbers) -> bool:
    return 4 <= cost["rounds"] <= BCRYPT_ROUNDS_MAX  # noqa: PLR2004 - bcrypt's own least


def _pbkdf2(cost: _Numbers) -> bool:
    return cost["rounds"] <= PBKDF2_ROUNDS_MAX


def _argon2(cost: _Numbers) -> bool:
    memory, passes, lanes = cost["memory"], cost["passes"], cost["lanes"]
    # RFC 9106 §3.1: at least 8 KiB for each lane.
    fits = 8 * lanes <= memory <= MEMORY_KIB_MAX and lanes <= LANES_MAX
    return fits and memory * passes <= ARGON2_WORK_MAX


def _scrypt(cost: _Numbers) -> bool:
    log, block, lanes = cost["log"], cost["block"], cost["lanes"]
    if log > 30 or lanes > LANES_MAX:  # noqa: PLR2004 - 2**30 is beyond all bounds
        return False
    # RFC 7914 §2: 128 bytes for each of N times r.
    fits = 2**log * block <= MEMORY_KIB_MAX * 8
    return fits and 2**log * block * lanes <= SCRYPT_WORK_MAX


def _format(pattern: str, is_bounded: Callable[[_Numbers], bool]) -> HashFormat:
    return HashFormat(re.compile(pattern, re.ASCII), is_bounded)


FORMATS: Mapping[str, HashFormat] = {
    "bcrypt": _format(_BCRYPT, _bcrypt),
    "bcrypt_sha256": _format(
        r"\$bcrypt-sha256\$v=2,t=2b,r=(?P<rounds>\d{1,2})\$[A-Za-z0-9./]{21}[.Oeu]\$[A-Za-z0-9./]{31}",
        _bcrypt,
    ),
    "django_bcrypt": _format(rf"bcrypt\${_BCRYPT}", _bcrypt),
    "django_bcrypt_sha256": _format(rf"bcrypt_sha256\${_BCRYPT}", _bcrypt),
    "argon2": _format(_ARGON2, _argon2),
    "django_argon2": _format(rf"argon2{_ARGON2}", _argon2),
    "scrypt": _format(
        r"\$scrypt\$ln=(?P<log>[1-9]\d?),r=(?P<block>[1-9]\d{0,5}),p=(?P<lanes>[1-9]\d{0,5})"
        rf"\${_B64}{{1,86}}\${_B64}{{43}}",
        _scrypt,
    ),
    "pbkdf2_sha1": _format(rf"\$pbkdf2\${_ROUNDS}\${_AB64}{{0,86}}\${_AB64}{{27}}", _pbkdf2),
    "pbkdf2_sha256": _format(
        rf"\$pbkdf2-sha256\${_ROUNDS}\${_AB64}{{0,86}}\${_AB64}{{43}}", _pbkdf2
    ),
    "pbkdf2_sha512": _format(
        rf"\$pbkdf2-sha512\${_ROUNDS}\${_AB64}{{0,86}}\${_AB64}{{86}}", _pbkdf2
    ),
    "django_pbkdf2_sha1": _format(
        rf"pbkdf2_sha1\${_ROUNDS}\$[A-Za-z0-9]{{1,64}}\${_B64}{{27}}=", _pbkdf2
    ),
    "django_pbkdf2_sha256": _format(
        rf"pbkdf2_sha256\${_ROUNDS}\$[A-Za-z0-9]{{1,64}}\${_B64}{{43}}=", _pbkdf2
    ),
}
"""By passlib's name for it. Each is anchored by what begins it, so that a hash is of one format at most.
How long the hash itself is stands fixed: a longer one costs more rounds."""

CUT_AT_72_BYTES = {"bcrypt", "django_bcrypt"}
"""Formats of which the algorithm sees no more of a password, as the systems that made them let it."""


def format_of(foreign: str) -> str | None:
    """Return which of `FORMATS` the hash *foreign* is of; None where of none."""
    if len(foreign) > HASH_LENGTH_MAX:
        return None
    return next(
        (name for name, each in FORMATS.items() if each.pattern.fullmatch(foreign)),
        None,
    )


def hash_problem(foreign: str) -> Code | None:
    """Return why the hash *foreign* is not taken."""
    name = format_of(foreign)
    if name is None:
        return Code.PASSWORD_HASH_UNSUPPORTED
    each = FORMATS[name]
    found = each.pattern.fullmatch(foreign)
    assert found is not None
    cost = {part: int(number) for part, number in found.groupdict().items()}
    return None if each.is_bounded(cost) else Code.PASSWORD_HASH_TOO_COSTLY
