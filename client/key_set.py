"""Fetches what to seal secrets to from the service's sidecar, and keeps it for a while."""

import asyncio
import json
from collections.abc import Mapping
from threading import Lock
from typing import Any, cast

from client.errors import SealingKeysError

KEPT_S = 300.0
"""How long a set is used: a key that was replaced in turn opens for two weeks more. One that was
withdrawn is refused with `seal_invalid`, and then the set is fetched anew."""

FETCH_TIMEOUT_S = 5.0
"""A sidecar answers in milliseconds; after this it hangs."""

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

    async def get(self) -> Mapping[str, Any]:
        """Return the set.

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
        now_s = asyncio.get_running_loop().time()
        return self._fresh(now_s) or await asyncio.to_thread(self._fetch, self._given, now_s)

    def forget(self) -> None:
        """Fetch anew the next time: what was sealed was refused."""
        self._kept = None

    def _fresh(self, now_s: float) -> Mapping[str, Any] | None:
        return self._kept if now_s < self._kept_until_s else None

    def _fetch(self, url: str, now_s: float) -> Mapping[str, Any]:
        with self._fetching:
            kept = self._fresh(now_s) or _fetched(url)
            self._kept, self._kept_until_s = kept, now_s + KEPT_S
        return kept


def _fetched(url: str) -> Mapping[str, Any]:
    # Loaded here: who only moves money needs neither.
    from urllib.request import urlopen

    from client.sealing import sealing_key

    if not url.startswith(("http://", "https://")):
        raise SealingKeysError(f"{url} is no http or https URL")
    try:
        with urlopen(url, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310 - looked at above
            found: object = json.loads(answer.read(SET_BYTES_MAX))
        if not isinstance(found, Mapping):
            raise TypeError("the answer is no object")  # noqa: TRY301 - as what json raises
        keys = cast("Mapping[str, Any]", found)
        sealing_key(keys)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SealingKeysError(f"no sealing keys at {url}: {error}") from error
    return keys
