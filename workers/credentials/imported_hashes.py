"""Checks passwords against hashes that other systems made, in the formats that passlib reads."""

from typing import Any, cast

from passlib.registry import (
    get_crypt_handler,  # pyright: ignore[reportUnknownVariableType] - it has no types
)

from contracts.codes import Code
from handlers.identity.foreign_hashes import CUT_AT_72_BYTES, format_of, hash_problem

BCRYPT_BYTES = 72
"""What bcrypt uses of a password. The systems that made these hashes cut the rest off without a word; the
library that reads them refuses to."""

_PREFIXED = {"django_bcrypt": ("bcrypt", "bcrypt$"), "django_argon2": ("argon2", "argon2")}
"""Formats that are another one behind a prefix."""


def import_problem(foreign: str) -> Code | None:
    """Return why the hash *foreign* is not taken, also where only the library cannot read it."""
    if (problem := hash_problem(foreign)) is not None:
        return problem
    try:
        handler, own = _read(foreign)
        handler.from_string(own)
    except (ValueError, TypeError):
        return Code.PASSWORD_HASH_UNSUPPORTED
    return None


def is_hash_of(foreign: str, typed: str) -> bool:
    """Say whether *foreign*, which was taken once, is a hash of *typed*. Blocks for as long as it costs."""
    secret = typed.encode()
    if format_of(foreign) in CUT_AT_72_BYTES:
        secret = secret[:BCRYPT_BYTES]
    try:
        handler, own = _read(foreign)
        return bool(handler.verify(secret, own))
    except (ValueError, TypeError):
        return False


def _read(foreign: str) -> tuple[Any, str]:
    """Return what reads *foreign*, and what of it that reads."""
    name = format_of(foreign)
    assert name is not None, "it was taken once"
    name, prefix = _PREFIXED.get(name, (name, ""))
    return cast("Any", get_crypt_handler(name)), foreign.removeprefix(prefix)
