"""The sealing keys: one JWK file each, read again when they change or an unknown one is asked for."""

import json
import logging
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64encode

from contracts.message import rfc3339
from contracts.sealing import ALGORITHM
from workers.clock import monotonic_s

FILE_PREFIX = "sealing-"
FILE_PATTERN = f"{FILE_PREFIX}*.json"

CHECK_INTERVAL_S = 1.0
"""How often the folder is looked at: a new key is seen within it, and a flood of blobs that name
unknown keys costs one look per second."""

KEY_FILE_BYTES_MAX = 4096
"""No more of a file is read: a key has about 300, and what is cut is no JSON any more."""

_log = logging.getLogger(__name__)


class KeysError(Exception):
    """The keys cannot be used. Says which file and what to do; never what is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """One key pair. Only what is public shows."""

    kid: str
    created_at: datetime
    key: OKPKey = field(repr=False, compare=False)

    def public_jwk(self) -> dict[str, Any]:
        """Return what a sender needs to seal to it."""
        public: Mapping[str, Any] = self.key.as_dict(private=False)
        chosen = {name: public[name] for name in ("kty", "crv", "x")}
        return chosen | {"use": "enc", "alg": ALGORITHM, "kid": self.kid}


def new_key(directory: Path, now: datetime) -> SealingKey:
    """Make a key and its file (mode 0600); it is the one published from now on.

    Raises:
        KeysError: The folder cannot be made or written.
    """
    pair: OKPKey = OKPKey.generate_key("X25519", private=True)
    key = SealingKey(kid=pair.thumbprint(), created_at=now, key=pair)
    jwk = key.public_jwk() | {"d": pair.as_dict(private=True)["d"], "created_at": rfc3339(now)}
    path = directory / f"{FILE_PREFIX}{key.kid}.json"
    draft = path.with_suffix(".new")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Renamed when complete, so that no reader ever sees half a key.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(jwk, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        raise KeysError(f"cannot write {error.filename or path}: {error.strerror}") from error
    return key


def read_keys(directory: Path) -> list[SealingKey]:
    """Return the keys in *directory*, newest first: the first is published, all open.

    Raises:
        KeysError: There is none, or a file is not a key or readable by others.
    """
    keys = [_read(path) for path in sorted(directory.glob(FILE_PATTERN))]
    if not keys:
        raise KeysError(f"no sealing key in {directory}; make one with `accounts keys new`")
    return sorted(keys, key=lambda key: (key.created_at, key.kid), reverse=True)


def _read(path: Path) -> SealingKey:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise KeysError(f"cannot read {path}: {error.strerror}") from error
    if mode & 0o077:
        raise KeysError(f"{path} is open to others (mode {mode:04o}); run `chmod 600 {path}`")
    try:
        return _parsed(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, JoseError):
        # The original error may quote the file.
        raise KeysError(
            f"{path} is not a sealing key; restore it, or move it out of the folder"
        ) from None


def _parsed(jwk: Mapping[str, Any]) -> SealingKey:
    pair: OKPKey = OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "d")})
    created_at = datetime.fromisoformat(jwk["created_at"])
    private = pair.raw_value
    sound = (
        isinstance(private, X25519PrivateKey)
        # Else senders would seal to a key that nobody has.
        and urlsafe_b64encode(private.public_key().public_bytes_raw()).decode() == jwk["x"]
        and jwk["use"] == "enc"
        and jwk["kid"] == pair.thumbprint()
        and created_at.tzinfo is not None
    )
    if not sound:
        raise ValueError
    return SealingKey(kid=jwk["kid"], created_at=created_at, key=pair)


class KeyRing:
    """The keys of one folder, up to date. Safe to use from many threads."""

    def __init__(self, directory: Path, *, clock_s: Callable[[], float] = monotonic_s) -> None:
        """Read the folder.

        Raises:
            KeysError: As `read_keys`; the service cannot start without a key.
        """
        self._directory = directory
        self._clock_s = clock_s
        self._lock = Lock()
        self._seen = _fingerprint(directory)
        self._keys = read_keys(directory)
        self._checked_s = clock_s()

    def find(self, kid: str) -> SealingKey | None:
        """Return the key that *kid* names, if we have it."""
        self._refresh()
        return next((key for key in self._keys if key.kid == kid), None)

    def published(self) -> SealingKey:
        """Return the newest key: the one that senders should seal to."""
        self._refresh()
        return self._keys[0]

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the public key set (RFC 7517 §5) for `/.well-known/jwks.json`."""
        return {"keys": [self.published().public_jwk()]}

    def __repr__(self) -> str:
        """Name the keys, never show them."""
        return f"KeyRing({[key.kid for key in self._keys]})"

    def _refresh(self) -> None:
        with self._lock:
            now_s = self._clock_s()
            if now_s - self._checked_s < CHECK_INTERVAL_S:
                return
            self._checked_s = now_s
            seen = _fingerprint(self._directory)
            if seen == self._seen:
                return
            self._seen = seen
            try:
                self._keys = read_keys(self._directory)
            except KeysError as error:
                # A mistake while keys are changed must not take away the ones that work.
                _log.error("keys not read again, going on with those known: %s", error)


def _fingerprint(directory: Path) -> list[tuple[str, int, int, int]]:
    """Return what changes when a key file does."""
    found: list[tuple[str, int, int, int]] = []
    for path in sorted(directory.glob(FILE_PATTERN)):
        try:
            state = path.stat()
        except OSError:
            continue  # gone since it was listed
        found.append((path.name, state.st_mtime_ns, state.st_size, state.st_mode))
    return found
