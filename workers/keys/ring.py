"""The key ring: what opens, signs and is published now, read again when the files change."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

from storage.ports.account_keys import TAG_BYTES, MacKey
from workers.clock import monotonic_s, utc_now
from workers.config.roles import Role
from workers.keys.files import KeysError, fingerprint, new_key, read_keys, require
from workers.keys.pairs import KeyKind, KeyPair, in_use

CHECK_INTERVAL_S = 1.0
"""How often the folder is looked at: a new key is seen within it, and a flood of blobs that name
unknown keys costs one look per second."""

JwkSet: TypeAlias = dict[str, list[dict[str, Any]]]
"""RFC 7517 §5."""

logger = logging.getLogger(__name__)


def needed_by(roles: Collection[Role]) -> list[KeyKind]:
    """Return the kinds of keys without which a process with these *roles* must not start."""
    # Whatever the role, its sidecar shows what to seal to, and it reads accounts; only the identity
    # worker signs.
    return [kind for kind in KeyKind if kind is not KeyKind.SIGNING or Role.IDENTITY in roles]


class KeyRing:
    """The keys of one folder, up to date. Safe to use from many threads."""

    def __init__(
        self,
        directory: Path,
        *,
        needs: Collection[KeyKind] = (KeyKind.SEALING,),
        clock_s: Callable[[], float] = monotonic_s,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Read the folder.

        Raises:
            KeysError: A file is wrong, or there is no usable key of a kind that it *needs*.
        """
        self._directory = directory
        self._needs = needs
        self._clock_s = clock_s
        self._clock = clock
        self._lock = Lock()
        self._seen = fingerprint(directory)
        self._keys = self._read()
        self._checked_s = clock_s()
        self._problem: str | None = None
        self._macs: tuple[float, Sequence[MacKey]] | None = None
        """Those keys as of the last look at the folder: every cycle asks for them."""

    def find(self, kid: str) -> KeyPair | None:
        """Return the sealing key that *kid* names, if we have it and it has not retired."""
        now = self._clock()
        sealing = (key for key in self._current(KeyKind.SEALING) if key.kid == kid)
        return next((key for key in sealing if not key.is_retired(now)), None)

    def signing_key(self) -> KeyPair:
        """Return the key to sign access tokens with.

        Raises:
            KeysError: There is none.
        """
        keys, now = self._current(KeyKind.SIGNING), self._clock()
        require(keys, [KeyKind.SIGNING], self._directory, now)
        key = in_use(keys, now)
        assert key is not None, "required above"
        return key

    def mac_keys(self) -> Sequence[MacKey]:
        """Return what authenticates accounts, the key in use first.

        Raises:
            KeysError: There is none.
        """
        keys = self._current(KeyKind.MAC)
        if self._macs is None or self._macs[0] != self._checked_s:
            self._macs = self._checked_s, self._usable_macs(keys)
        return self._macs[1]

    def jwks(self) -> JwkSet:
        """Return the set to verify access tokens with, for `/.well-known/jwks.json`.

        Every signing key that has not retired, those that wait to be used too, so that whoever
        keeps the set for a while knows a key before it signs. Nothing else: some libraries refuse
        a set for one key of a type that they do not know, as sealing keys are.
        """
        now = self._clock()
        return _set(key for key in self._current(KeyKind.SIGNING) if not key.is_retired(now))

    def sealing_jwks(self) -> JwkSet:
        """Return the set with the key to seal to, for `/.well-known/sealing-keys.json`."""
        key = in_use(self._current(KeyKind.SEALING), self._clock())
        return _set([key] if key else [])

    def __repr__(self) -> str:
        """Name the keys, never show them."""
        return f"KeyRing({[key.kid for key in self._keys]})"

    def _usable_macs(self, keys: Collection[KeyPair]) -> Sequence[MacKey]:
        now = self._clock()
        require(keys, [KeyKind.MAC], self._directory, now)
        used = in_use(keys, now)
        usable = [key for key in keys if not key.is_retired(now)]
        return [_mac_key(key) for key in sorted(usable, key=lambda key: key is not used)]

    def _current(self, kind: KeyKind) -> list[KeyPair]:
        """Return the keys of *kind*, newest first, as they are in the folder now."""
        self._refresh()
        return [key for key in self._keys if key.kind is kind]

    def _refresh(self) -> None:
        if not self._lock.acquire(blocking=False):
            return  # somebody is looking; on a slow disk nobody else should wait for it
        try:
            self._look()
        finally:
            self._lock.release()

    def _look(self) -> None:
        now_s = self._clock_s()
        if now_s - self._checked_s < CHECK_INTERVAL_S:
            return
        self._checked_s = now_s
        try:
            seen = fingerprint(self._directory)
            if seen != self._seen:
                self._keys = self._read()
                self._seen = seen
        except (KeysError, OSError) as error:
            # Neither a mistake while keys are changed, nor a folder that cannot be read just now,
            # must take away the keys that work. Both may be over in a second.
            self._note(str(error))
        else:
            self._problem = None

    def _note(self, problem: str) -> None:
        """Log a problem once, however often it is met again."""
        if problem != self._problem:
            self._problem = problem
            logger.error("keys not read again, going on with those known: %s", problem)

    def _read(self) -> list[KeyPair]:
        keys = [key for kind in KeyKind for key in read_keys(self._directory, kind)]
        require(keys, self._needs, self._directory, self._clock())
        return keys


def _mac_key(key: KeyPair) -> MacKey:
    tag = hashlib.sha256(key.kid.encode()).digest()[:TAG_BYTES]
    return MacKey(tag, key.mac_secret())


def _set(keys: Iterable[KeyPair]) -> JwkSet:
    return {"keys": [key.public_jwk() for key in keys]}


__all__ = ["CHECK_INTERVAL_S", "KeyRing", "KeysError", "needed_by", "new_key", "read_keys"]
