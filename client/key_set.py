"""Fetches what to seal secrets to from the service's sidecar, and keeps it for a while."""

import asyncio
import json
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, cast

from client.errors import SealingKeysError

KEPT_S = 300.0
"""How long a set is used: a key that was replaced in turn opens for two weeks more. One that was
withdrawn is refused with `seal_invalid`, and then the set is fetched anew."""

FETCH_TIMEOUT_S = 5.0
"""A sidecar answers in milliseconds; after this it hangs, however long a call may take."""

SET_BYTES_MAX = 65_536
"""Of an answer that is read: a set with a key has under 500."""


class SealingKeys:
    """The set at one URL, fetched when it is first needed, once for all who wait for it."""

    def __init__(self, given: str | Mapping[str, Any] | None) -> None:
        """*given* is where the set is, or the set itself."""
        self._given = given
        self._kept: Mapping[str, Any] | None = None
        self._kept_until_s = 0.0
        self._fetching = Lock()
        """Held by the thread that fetches: a client may go from one event loop to another."""

    async def get(self, within_s: float = FETCH_TIMEOUT_S) -> Mapping[str, Any]:
        """Return the set; wait for it no longer than *within_s*.

        Raises:
            SealingKeysError: It cannot be had, or has no key to seal to.
        """
        if isinstance(self._given, Mapping):
            return self._given
        if self._given is None:
            raise SealingKeysError(
                "this client does not know where the sealing keys are: give it `sealing_keys=`, "
                "the URL of /.well-known/sealing-keys.json on the service's sidecar"
            )
        now = asyncio.get_running_loop().time
        if (kept := self._fresh(now())) is not None:
            return kept
        until_s = now() + min(within_s, FETCH_TIMEOUT_S)
        try:
            async with asyncio.timeout_at(until_s):
                return await asyncio.to_thread(self._fetch, self._given, now, until_s)
        except TimeoutError:
            raise _late(self._given) from None

    def forget(self) -> None:
        """Fetch anew the next time: what was sealed was refused."""
        self._kept = None

    def _fresh(self, now_s: float) -> Mapping[str, Any] | None:
        return self._kept if now_s < self._kept_until_s else None

    def _fetch(self, url: str, now: Callable[[], float], until_s: float) -> Mapping[str, Any]:
        if not self._fetching.acquire(timeout=max(until_s - now(), 0)):
            raise _late(url)
        try:
            if (kept := self._fresh(now())) is None:
                kept = _fetched(url, until_s - now())
                self._kept, self._kept_until_s = kept, now() + KEPT_S
        finally:
            self._fetching.release()
        return kept


def _fetched(url: str, within_s: float) -> Mapping[str, Any]:
    # Loaded here: who only moves money needs neither.
    from urllib.request import urlopen

    from client.sealing import sealing_key

    if not url.startswith(("http://", "https://")):
        raise SealingKeysError(f"{url} is no http or https URL")
    if within_s <= 0:
        raise _late(url)
    try:
        with urlopen(url, timeout=within_s) as answer:  # noqa: S310 - looked at above
            found: object = json.loads(answer.read(SET_BYTES_MAX))
        if not isinstance(found, Mapping):
            raise TypeError("the answer is no object")  # noqa: TRY301 - as what json raises
        keys = cast("Mapping[str, Any]", found)
        sealing_key(keys)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SealingKeysError(f"no sealing keys at {url}: {error}") from error
    return keys


def _late(url: str) -> SealingKeysError:
    return SealingKeysError(f"no sealing keys at {url}: no answer in time; nothing was sent")
