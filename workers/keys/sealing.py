"""Opens sealed fields: for what they were sealed for and nothing else; seals tokens for their way back."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode
from pydantic import TypeAdapter

from client.sealing import seal
from contracts.registration import SEALED_LENGTH_MAX, SEALED_PATTERN
from contracts.sealing import ALGORITHM, ENCRYPTION, Purpose, SealHeader
from contracts.sessions import Tokens
from workers.keys.ring import KeyRing

_REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, ENCRYPTION], strict_check_header=False)
_SEALED = re.compile(SEALED_PATTERN, re.ASCII)
_OBJECT = TypeAdapter(dict[str, Any])
_FORBIDDEN = ("zip", "crit")
"""`zip` lets a small blob become a large one; `crit` asks for what we do not do."""
_VOUCHING = b"accounts.internal.credentials"
_ANY_KEY: OKPKey = OKPKey.generate_key("X25519", private=True)
"""To try an agreement with: some points (RFC 7748 §6.1) agree with nobody, and fail only then."""


class SealProblem(Enum):
    """Why a blob did not open: for our metrics. A caller learns only that it did not."""

    UNKNOWN_KEY = "unknown_key"
    """No key of ours has its `kid`: it was removed, or has not arrived here yet."""
    INVALID = "invalid"
    UNVOUCHED = "unvouched"
    """It opens, but no ledger worker let it through as part of the recorded registration."""


def open_sealed(
    blob: str,
    ring: KeyRing,
    *,
    purpose: Purpose,
    command_id: str,
    username: str,
    reply_key: Mapping[str, Any] | None = None,
) -> str | SealProblem:
    """Return the secret in *blob* if it was sealed for exactly this; never raises.

    Where it opens, tokens can be sealed to *reply_key*.
    """
    header = _header(blob)
    try:
        thumbprint = None if reply_key is None else _thumbprint(reply_key)
    except (JoseError, ValueError, TypeError, KeyError):
        return SealProblem.INVALID
    if header is None:
        return SealProblem.INVALID
    expected: dict[str, str | None] = {
        "alg": ALGORITHM,
        "enc": ENCRYPTION,
        SealHeader.COMMAND_ID: command_id,
        SealHeader.SUBJECT: username,
        SealHeader.PURPOSE: purpose.value,
        SealHeader.REPLY_KEY_THUMBPRINT: thumbprint,
    }
    matches = all(header.get(name) == value for name, value in expected.items())
    if not matches or type(header.get(SealHeader.ISSUED_AT)) is not int:
        return SealProblem.INVALID
    return _decrypted(blob, header, ring)


def vouch(
    blob: str, ring: KeyRing, *, command_id: str, username: str, fingerprint: bytes
) -> str | None:
    """Return what only a holder of the key that *blob* is sealed to can say of it.

    Anybody can seal a password. This says that it was judged, and for which recorded registration.
    None where the key is not here.
    """
    pair = ring.find(key_id(blob))
    if pair is None:
        return None
    private = pair.key.raw_value
    assert isinstance(private, X25519PrivateKey), "a sealing key"
    # RFC 5869: a key for this purpose alone; what is said about it tells nothing about the other.
    key = HKDF(SHA256(), 32, None, _VOUCHING).derive(private.private_bytes_raw())
    # None of them can hold a line break, so no two registrations say the same.
    said = f"{username}\n{command_id}\n{fingerprint.hex()}\n{blob}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def is_vouched(voucher: str | None, expected: str | None) -> bool:
    """Say whether *voucher* is the *expected* one, in the same time wherever they differ."""
    return bool(voucher and expected) and hmac.compare_digest(
        str(voucher).encode(), str(expected).encode()
    )


def seal_tokens(
    tokens: Tokens,
    *,
    reply_key: Mapping[str, Any],
    purpose: Purpose,
    request_id: str,
    username: str,
    issued_at: datetime,
) -> str:
    """Return *tokens* as JWE compact for whoever holds the private part of *reply_key*.

    Raises:
        ValueError: Nothing can be sealed to *reply_key*; then no blob bound to it opened either.
    """
    return seal(
        tokens.model_dump_json(),
        key={name: reply_key.get(name) for name in ("kty", "crv", "x")},
        purpose=purpose,
        command_id=request_id,
        username=username,
        issued_at=issued_at,
    )


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


def password_purpose(blob: str) -> Purpose:
    """Return what the `sealed_password` of a registration says that it holds: a password, or its hash.

    Only whoever opens it for that purpose knows.
    """
    said = (_header(blob) or {}).get(SealHeader.PURPOSE)
    is_hash = said == Purpose.REGISTER_HASH.value
    return Purpose.REGISTER_HASH if is_hash else Purpose.REGISTER_PASSWORD


def sealed_at_s(blob: str) -> int:
    """Return when *blob*, which opened, was sealed by its sender's clock: seconds since 1970."""
    return int((_header(blob) or {})[SealHeader.ISSUED_AT])


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


def _thumbprint(reply_key: Mapping[str, Any]) -> str:
    """Return the thumbprint (RFC 7638) of a key that can be sealed to.

    Raises:
        ValueError, TypeError, KeyError, JoseError: It cannot.
    """
    recipient = OKPKey.import_key({name: reply_key[name] for name in ("kty", "crv", "x")})
    _ANY_KEY.exchange_derive_key(recipient)
    return recipient.thumbprint()
