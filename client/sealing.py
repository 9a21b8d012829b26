"""Seals a secret to the service's key, so that only the service can read it, and only once meant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey, import_key

from contracts.sealing import ALGORITHM, ENCRYPTION, Purpose, SealHeader

_REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, ENCRYPTION], strict_check_header=False)


def sealing_key(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key to seal to, from what `/.well-known/jwks.json` answered.

    Raises:
        ValueError: None of its keys is meant for sealing.
    """
    for key in jwks.get("keys", []):
        if key.get("use") == "enc" and key.get("crv") == "X25519":
            return dict(key)
    raise ValueError("the key set has no X25519 key with `use: enc`; ask the service for a new one")


def seal(  # noqa: PLR0913 - one envelope; everything written on it is named by the caller
    secret: str,
    *,
    key: Mapping[str, Any],
    purpose: Purpose,
    command_id: str,
    username: str,
    issued_at: datetime,
    reply_key: Mapping[str, Any] | None = None,
) -> str:
    """Return *secret* as JWE compact (RFC 7516 §3.1) that opens for this command and user only.

    *key* is the service's public JWK, *reply_key* the one an answer is to be sealed to.

    Raises:
        ValueError: *key* is no X25519 key, or *secret* cannot be written as UTF-8.
    """
    recipient = _recipient(key)
    protected: dict[str, Any] = {
        "alg": ALGORITHM,
        "enc": ENCRYPTION,
        "kid": key.get("kid") or recipient.thumbprint(),
        SealHeader.COMMAND_ID: command_id,
        SealHeader.SUBJECT: username,
        SealHeader.PURPOSE: purpose.value,
        SealHeader.ISSUED_AT: int(issued_at.timestamp()),
    }
    if reply_key is not None:
        thumbprint = import_key(dict(reply_key)).thumbprint()
        protected[SealHeader.REPLY_KEY_THUMBPRINT] = thumbprint
    return jwe.encrypt_compact(protected, _plaintext(secret), recipient, registry=_REGISTRY)


def _plaintext(secret: str) -> bytes:
    try:
        return secret.encode()
    except UnicodeEncodeError:
        # The original error carries the secret.
        raise ValueError("the secret has a lone surrogate; it is not text") from None


def _recipient(key: Mapping[str, Any]) -> OKPKey:
    # Public members only, so that a private key given by mistake goes no further.
    public = {name: key[name] for name in ("kty", "crv", "x", "use") if name in key}
    try:
        recipient = OKPKey.import_key(public)
    except (JoseError, ValueError, KeyError) as error:
        raise ValueError(
            "the sealing key is no X25519 JWK; take it from `/.well-known/jwks.json`"
        ) from error
    if recipient.curve_name != "X25519":
        raise ValueError("the sealing key is no X25519 JWK; take it from `/.well-known/jwks.json`")
    return recipient
