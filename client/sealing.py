"""Seals secrets to the service's key for one use each, and opens the tokens that it seals to ours."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey, import_key
from joserfc.util import urlsafe_b64decode

from client.errors import AccountsClientError
from contracts.registration import SEALED_LENGTH_MAX, SEALED_PATTERN
from contracts.sealing import ALGORITHM, ENCRYPTION, Purpose, SealHeader
from contracts.sessions import Tokens

_REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, ENCRYPTION], strict_check_header=False)
_TAKE_IT_FROM = "take it from `/.well-known/sealing-keys.json` of the service's sidecar"
_SEALED = re.compile(SEALED_PATTERN, re.ASCII)
_TOKENS_HEADER = {
    "alg",
    "enc",
    "epk",
    "kid",
    SealHeader.COMMAND_ID,
    SealHeader.SUBJECT,
    SealHeader.PURPOSE,
    SealHeader.ISSUED_AT,
}
"""All that stands in the protected header of sealed tokens: no `zip`, no `crit`, nothing new."""


class SealedTokensError(AccountsClientError):
    """What came back as sealed tokens is not what was asked for; nothing of it may be used."""

    def __init__(self) -> None:
        super().__init__(
            "the sealed tokens do not open for this request, user and key: the answer is another "
            "request's, or was changed on its way; ask again with a new request_id and key"
        )


class ReplyKeyPair:
    """A fresh X25519 pair for one request: its answer's tokens are sealed to it."""

    def __init__(self) -> None:
        self._pair: OKPKey = OKPKey.generate_key("X25519", private=True)

    @property
    def public(self) -> dict[str, Any]:
        """The JWK to send as `reply_key`, and to bind sealed fields to."""
        jwk: Mapping[str, Any] = self._pair.as_dict(private=False)
        return {name: jwk[name] for name in ("kty", "crv", "x")}

    def open(
        self, sealed_tokens: str, *, purpose: Purpose, request_id: str, username: str
    ) -> Tokens:
        """Return the tokens that were sealed for exactly this.

        Raises:
            SealedTokensError: They were not, or not to this key.
        """
        expected = {
            "alg": ALGORITHM,
            "enc": ENCRYPTION,
            "kid": self._pair.thumbprint(),
            SealHeader.COMMAND_ID: request_id,
            SealHeader.SUBJECT: username,
            SealHeader.PURPOSE: purpose.value,
        }
        if len(sealed_tokens) > SEALED_LENGTH_MAX or not _SEALED.fullmatch(sealed_tokens):
            raise SealedTokensError
        try:
            header = json.loads(urlsafe_b64decode(sealed_tokens.partition(".")[0].encode()))
            sound = (
                set(header) == _TOKENS_HEADER
                and all(header[name] == value for name, value in expected.items())
                and type(header[SealHeader.ISSUED_AT]) is int
            )
            opened = jwe.decrypt_compact(sealed_tokens, self._pair, registry=_REGISTRY)
            # The library parsed the header itself; what it authenticated must be what was checked.
            if sound and opened.protected == header and opened.plaintext is not None:
                return Tokens.model_validate_json(opened.plaintext)
        except Exception:  # noqa: BLE001 - hostile input fails in many ways, all meaning the same
            raise SealedTokensError from None
        raise SealedTokensError

    def __repr__(self) -> str:
        """Name the key, never show it."""
        return f"ReplyKeyPair({self._pair.thumbprint()})"


def sealing_key(sealing_keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key to seal to, from what `/.well-known/sealing-keys.json` answered.

    Raises:
        ValueError: None of its keys is meant for sealing.
    """
    for key in sealing_keys.get("keys", []):
        if key.get("use") == "enc" and key.get("crv") == "X25519":
            return dict(key)
    raise ValueError(f"the key set has no X25519 key with `use: enc`; {_TAKE_IT_FROM}")


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
        raise ValueError(f"the sealing key is no X25519 JWK; {_TAKE_IT_FROM}") from error
    if recipient.curve_name != "X25519":
        raise ValueError(f"the sealing key is no X25519 JWK; {_TAKE_IT_FROM}")
    return recipient
