"""Seals passwords to the service's key, opens the tokens that come back, and checks them."""

import json
import time
from typing import Any
from urllib.request import urlopen

from joserfc import jwe, jwt
from joserfc.jwk import KeySet, OKPKey

JWE = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"], strict_check_header=False)
"""These two and no others; the header has names of the service's own."""
ISSUER = AUDIENCE = "accounts"
"""Unless whoever runs the service configured others."""
LEEWAY_S = 5
HTTP_MAX_S = 10.0


class UntrustedError(Exception):
    """What came is not what was asked for: use nothing of it."""


def published(sidecar: str, name: str) -> dict[str, Any]:
    """Return a key set. Over HTTPS, where the sidecar is not on this machine."""
    address = f"{sidecar}/.well-known/{name}"
    with urlopen(address, timeout=HTTP_MAX_S) as answer:  # noqa: S310 - whoever starts this says it
        return json.load(answer)


def seal(
    secret: str,
    sidecar: str,
    purpose: str,
    message: dict[str, Any],
    reply_key: OKPKey | None = None,
) -> str:
    """Return *secret* as it travels: it opens for this message alone.

    Seal once: what is sent again under the same id must be the same, byte for byte.
    """
    keys = published(sidecar, "sealing-keys.json")["keys"]
    key = next(
        key
        for key in keys
        if (key["kty"], key.get("crv"), key.get("use"), key.get("alg"))
        == ("OKP", "X25519", "enc", "ECDH-ES")
    )
    header = {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "kid": key["kid"],
        "cid": message.get("command_id") or message["request_id"],
        "sub": message["username"],
        "purpose": purpose,
        "iat": int(time.time()),
    }
    if reply_key is not None:
        header["rkt"] = reply_key.thumbprint()  # RFC 7638
    return jwe.encrypt_compact(header, secret.encode(), OKPKey.import_key(key), registry=JWE)


def open_tokens(sealed: str, reply_key: OKPKey, request: dict[str, Any]) -> dict[str, Any]:
    """Return the tokens, if they were sealed for this request.

    Raises:
        UntrustedError: They were not.
    """
    opened = jwe.decrypt_compact(sealed, reply_key, registry=JWE)
    bound = {name: opened.protected.get(name) for name in ("cid", "sub", "purpose")}
    if opened.plaintext is None or bound != {
        "cid": request["request_id"],
        "sub": request["username"],
        "purpose": "login.sealed_tokens",
    }:
        raise UntrustedError("the tokens are an answer to another request")
    return json.loads(opened.plaintext)


def verify(access_token: str, sidecar: str, username: str) -> dict[str, Any]:
    """Return the claims of an access token that is good now.

    Whoever lets users in by it also refuses the `sid`s on `accounts.state.revocations`.

    Raises:
        UntrustedError: Its type or user is another one.
        JoseError: Its signature, issuer, audience or time is not as it must be.
    """
    keys = KeySet.import_key_set(published(sidecar, "jwks.json"))  # pyright: ignore[reportArgumentType]
    token = jwt.decode(access_token, keys, algorithms=["ES256"])  # no other, whatever it says
    required = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        sub={"essential": True, "value": username},
        exp={"essential": True},
    )
    required.validate(token.claims)
    if token.header.get("typ") != "at+jwt":
        raise UntrustedError("this is no access token")
    return token.claims
