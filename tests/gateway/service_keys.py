"""The keys of a service that is not there: to sign tokens, and to open and seal what is secret."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey

from contracts.request import Request
from contracts.sealing import ALGORITHM, ENCRYPTION, Purpose
from contracts.sessions import ReplyKey, Tokens

REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, ENCRYPTION], strict_check_header=False)
TOKEN_S = 300


class ServiceKeys:
    """One key to sign with, one to seal to."""

    def __init__(self, name: str = "1") -> None:
        self.kid = f"signing-{name}"
        self._sealing = OKPKey.generate_key("X25519", private=True)
        self._signing = ECKey.generate_key("P-256", private=True)

    def jwks(self) -> dict[str, Any]:
        """Return what the sidecar would show to verify tokens with."""
        signing = {"kid": self.kid, "use": "sig", "alg": "ES256"}
        return {"keys": [{**self._signing.as_dict(private=False), **signing}]}

    def sealing_jwks(self) -> dict[str, Any]:
        """Return what the sidecar would show to seal to."""
        sealing = {"kid": "sealing", "use": "enc", "alg": ALGORITHM}
        return {"keys": [{**self._sealing.as_dict(private=False), **sealing}]}

    def open(self, sealed: str, purpose: Purpose, asked_id: str, username: str) -> str:
        """Return the secret, if it was sealed for exactly this."""
        opened = jwe.decrypt_compact(sealed, self._sealing, registry=REGISTRY)
        said = {name: opened.protected.get(name) for name in ("cid", "sub", "purpose")}
        assert said == {"cid": asked_id, "sub": username, "purpose": purpose.value}
        assert opened.plaintext is not None
        return opened.plaintext.decode()

    def access_token(self, username: str, session_id: str, now: datetime, **other: Any) -> str:
        """Return a signed access token; *other* claims take the place of the right ones."""
        claims: dict[str, Any] = {
            "iss": "accounts",
            "aud": "accounts",
            "sub": username,
            "sid": session_id,
            "jti": hashlib.sha256(f"{session_id}{now}".encode()).hexdigest()[:32],
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=TOKEN_S)).timestamp()),
            "epoch": 1,
        }
        pem = self._signing.as_pem(private=True)
        headers = {"typ": "at+jwt", "kid": self.kid}
        return jwt.encode(claims | other, pem, algorithm="ES256", headers=headers)


def sealed_tokens(
    tokens: Tokens, request: Request, reply_key: ReplyKey, purpose: Purpose, now: datetime
) -> str:
    """Return *tokens*, sealed to *reply_key* for the answer to *request*."""
    key = OKPKey.import_key(reply_key.model_dump())
    header: Mapping[str, Any] = {
        "alg": ALGORITHM,
        "enc": ENCRYPTION,
        "kid": key.thumbprint(),
        "cid": request.request_id,
        "sub": request.username,
        "purpose": purpose.value,
        "iat": int(now.timestamp()),
    }
    text = json.dumps(tokens.model_dump()).encode()
    return jwe.encrypt_compact(dict(header), text, key, registry=REGISTRY)
