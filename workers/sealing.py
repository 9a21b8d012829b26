"""Opens sealed fields: for the command, user and purpose they were sealed for, and no other."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from joserfc import jwe
from joserfc.jwk import import_key
from joserfc.util import urlsafe_b64decode
from pydantic import TypeAdapter

from contracts.registration import SEALED_LENGTH_MAX, SEALED_PATTERN
from contracts.sealing import ALGORITHM, ENCRYPTION, Purpose, SealHeader
from workers.keys import KeyRing

_REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, ENCRYPTION], strict_check_header=False)
_SEALED = re.compile(SEALED_PATTERN, re.ASCII)
_OBJECT = TypeAdapter(dict[str, Any])
_FORBIDDEN = ("zip", "crit")
"""`zip` lets a small blob become a large one; `crit` asks for what we do not do."""


class SealProblem(Enum):
    """Why a blob did not open: for our metrics. A caller learns only that it did not."""

    UNKNOWN_KEY = "unknown_key"
    """No key of ours has its `kid`: it was removed, or has not arrived here yet."""
    INVALID = "invalid"


def open_sealed(
    blob: str,
    ring: KeyRing,
    *,
    purpose: Purpose,
    command_id: str,
    username: str,
    reply_key: Mapping[str, Any] | None = None,
) -> str | SealProblem:
    """Return the secret in *blob* if it was sealed for exactly this; never raises."""
    header = _header(blob)
    if header is None:
        return SealProblem.INVALID
    expected: dict[str, str | None] = {
        "alg": ALGORITHM,
        "enc": ENCRYPTION,
        SealHeader.COMMAND_ID: command_id,
        SealHeader.SUBJECT: username,
        SealHeader.PURPOSE: purpose.value,
        SealHeader.REPLY_KEY_THUMBPRINT: _thumbprint(reply_key),
    }
    matches = all(header.get(name) == value for name, value in expected.items())
    if not matches or type(header.get(SealHeader.ISSUED_AT)) is not int:
        return SealProblem.INVALID
    return _decrypted(blob, header, ring)


def _header(blob: str) -> dict[str, Any] | None:
    """Return the protected header, not yet authenticated, if *blob* has the right shape."""
    if len(blob) > SEALED_LENGTH_MAX or not _SEALED.fullmatch(blob):
        return None
    try:
        header = _OBJECT.validate_json(urlsafe_b64decode(blob.partition(".")[0].encode()))
    except ValueError:
        return None
    return None if any(name in header for name in _FORBIDDEN) else header


def key_id(blob: str) -> str:
    """Return which key *blob* says it is sealed to; empty where it does not say."""
    return str((_header(blob) or {}).get("kid", ""))


def _decrypted(blob: str, header: dict[str, Any], ring: KeyRing) -> str | SealProblem:
    kid = header.get("kid")
    key = ring.find(kid) if isinstance(kid, str) else None
    if key is None:
        return SealProblem.UNKNOWN_KEY
    try:
        opened = jwe.decrypt_compact(blob, key.key, registry=_REGISTRY)
        # The library parsed the header itself; what it authenticated must be what was checked.
        if opened.protected != header or opened.plaintext is None:
            return SealProblem.INVALID
        return opened.plaintext.decode()
    except Exception:  # noqa: BLE001 - hostile input fails in many ways, all meaning the same
        return SealProblem.INVALID


def _thumbprint(reply_key: Mapping[str, Any] | None) -> str | None:
    return None if reply_key is None else import_key(dict(reply_key)).thumbprint()
