"""One key with its times: what it is for, what is published of it, what its file says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import ECKey, OctKey, OKPKey

from client.tokens import ALGORITHM as SIGNATURE
from contracts.message import rfc3339
from contracts.sealing import ALGORITHM as AGREEMENT


class KeyKind(StrEnum):
    """What a key is for, as its file's name begins."""

    SEALING = "sealing"
    """Others seal passwords and tokens to it; we open them."""
    SIGNING = "signing"
    """We sign access tokens with it; others verify them."""
    MAC = "mac"
    """It authenticates the accounts in MongoDB; nobody but our workers has it."""


_PUBLISHED = {
    KeyKind.SEALING: {"kty": "OKP", "crv": "X25519", "use": "enc", "alg": AGREEMENT},
    KeyKind.SIGNING: {"kty": "EC", "crv": "P-256", "use": "sig", "alg": SIGNATURE},
    KeyKind.MAC: {"kty": "oct", "use": "sig"},
}
"""What the JWKs of a kind have in common (RFC 7517 §4, RFC 7518 §6.2 and §6.4, RFC 8037 §2)."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_COORDINATES = {KeyKind.SEALING: ("x",), KeyKind.SIGNING: ("x", "y"), KeyKind.MAC: ()}
_SECRET = {KeyKind.SEALING: "d", KeyKind.SIGNING: "d", KeyKind.MAC: "k"}
"""The member of a JWK that nobody else may see."""

MAC_KEY_BITS = 256
"""Nobody tries as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """One key pair, or of `KeyKind.MAC` one key. Only what is public shows."""

    kind: KeyKind
    kid: str
    created_at: datetime
    activates_at: datetime
    """Others seal to it, or we sign with it, from then on; its counterpart is in use before."""
    retires_at: datetime | None = None
    """It opens and verifies nothing from then on."""
    key: OKPKey | ECKey | OctKey = field(repr=False, compare=False)

    def is_active(self, now: datetime) -> bool:
        """Whether it may be the one that is used for what is new."""
        return self.activates_at <= now and not self.is_retired(now)

    def is_retired(self, now: datetime) -> bool:
        """Whether it is of no use any more."""
        return self.retires_at is not None and self.retires_at <= now

    def public_jwk(self) -> dict[str, Any]:
        """Return what others need of it."""
        public: Mapping[str, Any] = self.key.as_dict(private=False)
        coordinates = {name: public[name] for name in _COORDINATES[self.kind]}
        return _PUBLISHED[self.kind] | coordinates | {"kid": self.kid}

    def private_jwk(self) -> dict[str, Any]:
        """Return all of it, as it stands in its file."""
        times = {"created_at": self.created_at, "activates_at": self.activates_at}
        if self.retires_at is not None:
            times["retires_at"] = self.retires_at
        written = {name: rfc3339(moment) for name, moment in times.items()}
        secret = _SECRET[self.kind]
        return self.public_jwk() | {secret: self.key.as_dict(private=True)[secret]} | written

    def signer(self) -> EllipticCurvePrivateKey:
        """Return what signs with it."""
        private = self.key.raw_value
        assert isinstance(private, EllipticCurvePrivateKey), "a sealing key signs nothing"
        return private

    def mac_secret(self) -> bytes:
        """Return what authenticates with it."""
        assert isinstance(self.key, OctKey), "a key pair authenticates nothing"
        return self.key.raw_value


def generate(kind: KeyKind, now: datetime, activates_at: datetime | None = None) -> KeyPair:
    """Return a fresh key, named by its thumbprint (RFC 7638)."""
    pair = _generated(kind)
    return KeyPair(
        kind=kind,
        kid=pair.thumbprint(),
        created_at=now,
        activates_at=activates_at or now,
        key=pair,
    )


def parse(kind: KeyKind, jwk: Mapping[str, Any]) -> KeyPair:
    """Return the pair that a file's content describes.

    Raises:
        ValueError, TypeError, KeyError, AttributeError, JoseError: It is none of this *kind*.
    """
    if any(jwk[name] != value for name, value in _PUBLISHED[kind].items()):
        raise ValueError
    pair = _imported(kind, jwk)
    own = _public_half(pair)
    # Else others would seal to a key, or look for a signature, that nobody has.
    if any(own[name] != jwk[name] for name in _COORDINATES[kind]):
        raise ValueError
    if jwk["kid"] != pair.thumbprint():
        raise ValueError
    created_at = _moment(jwk["created_at"])
    return KeyPair(
        kind=kind,
        kid=jwk["kid"],
        created_at=created_at,
        activates_at=_moment(jwk["activates_at"]) if "activates_at" in jwk else created_at,
        retires_at=_moment(jwk["retires_at"]) if "retires_at" in jwk else None,
        key=pair,
    )


def in_use(keys: Iterable[KeyPair], now: datetime) -> KeyPair | None:
    """Return which of one kind is used for what is new: of those active, the one good for longest.

    So no key retires in use, in whatever haste it was replaced. While none is active yet, as when
    clocks differ, it is the first that will be.
    """
    usable = [key for key in keys if not key.is_retired(now)]
    active = [key for key in usable if key.is_active(now)]
    if active:
        return max(active, key=lambda key: (key.retires_at or _NEVER, key.created_at, key.kid))
    return min(usable, key=lambda key: (key.activates_at, key.kid), default=None)


def _generated(kind: KeyKind) -> OKPKey | ECKey | OctKey:
    match kind:
        case KeyKind.SEALING:
            return OKPKey.generate_key("X25519", private=True)
        case KeyKind.SIGNING:
            return ECKey.generate_key("P-256", private=True)
        case KeyKind.MAC:
            return OctKey.generate_key(MAC_KEY_BITS, private=True)


def _imported(kind: KeyKind, jwk: Mapping[str, Any]) -> OKPKey | ECKey | OctKey:
    fixed = [name for name in ("kty", "crv") if name in _PUBLISHED[kind]]
    members = {name: jwk[name] for name in (*fixed, *_COORDINATES[kind], _SECRET[kind])}
    match kind:
        case KeyKind.SEALING:
            return OKPKey.import_key(members)
        case KeyKind.SIGNING:
            return ECKey.import_key(members)
        case KeyKind.MAC:
            key = OctKey.import_key(members)
            if len(key.raw_value) * 8 != MAC_KEY_BITS:
                raise ValueError
            return key


def _public_half(pair: OKPKey | ECKey | OctKey) -> Mapping[str, Any]:
    """Return the public JWK, computed anew from the private half."""
    match pair.raw_value:
        case bytes():
            return {}  # there is none
        case X25519PrivateKey() as private:
            return OKPKey.import_key(private.public_key()).as_dict(private=False)
        case EllipticCurvePrivateKey() as private:
            return ECKey.import_key(private.public_key()).as_dict(private=False)
        case _:
            raise ValueError


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment
