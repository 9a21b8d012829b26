"""A set of keys, of the service or of another issuer: cached, and fetched again when one is unknown."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

LOG = logging.getLogger(__name__)

FETCH_TIMEOUT_S = 3.0
"""The sidecar answers in milliseconds; after this it is not there."""

FRESH_S = 300.0
"""A retired key leaves the gateway this long after it left the set, at most."""

STALE_MAX_S = 3600.0
"""How long known keys serve while nobody answers for them; a key is rotated far more slowly."""

REFETCH_S = 5.0
"""Shortest time between two fetches: tokens with made-up key ids flood nobody."""

KEY_SET_BYTES_MAX = 256 * 1024
"""A set of a few keys has a few kilobytes."""

Jwks = Mapping[str, Any]


class KeysMissingError(Exception):
    """No usable key set: whoever has it has not answered, or not for too long."""


class KeySet:
    """The public keys of one owner."""

    def __init__(
        self, fetch: Callable[[], Awaitable[Jwks]], monotonic_s: Callable[[], float]
    ) -> None:
        self._fetch = fetch
        self._monotonic_s = monotonic_s
        self._fetching = asyncio.Lock()
        self._jwks: Jwks | None = None
        self._fetched_s = float("-inf")
        self._tried_s = float("-inf")

    async def current(self) -> Jwks:
        """Return the keys, fetched anew when they are no longer fresh.

        Raises:
            KeysMissingError: None are known, or they are too old to be trusted.
        """
        if self._jwks is None or self._age_s() > FRESH_S:
            await self.refresh()
        if self._jwks is None or self._age_s() > STALE_MAX_S:
            raise KeysMissingError
        return self._jwks

    async def refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; keep the known ones if it fails."""
        async with self._fetching:
            if self._monotonic_s() - self._tried_s < REFETCH_S:
                return
            self._tried_s = self._monotonic_s()
            try:
                self._jwks = await self._fetch()
                self._fetched_s = self._monotonic_s()
            except (OSError, HTTPException, ValueError) as error:
                LOG.warning("the key set cannot be fetched: %s", error)

    def _age_s(self) -> float:
        return self._monotonic_s() - self._fetched_s


async def fetch_from(url: str) -> Jwks:
    """Return the key set at *url*, in the service's own network.

    Raises:
        OSError, HTTPException: Nobody answers.
        ValueError: The answer is no key set.
    """
    return await asyncio.to_thread(_fetched, url)


def keys_of(found: Any, url: str) -> Jwks:
    """Return the keys in what *url* answered.

    Raises:
        ValueError: It is no key set.
    """
    try:
        return {"keys": [key for key in found["keys"] if isinstance(key, dict)]}
    except (TypeError, KeyError) as error:
        raise ValueError(f"{url} has no key set") from error


def _fetched(url: str) -> Jwks:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=FETCH_TIMEOUT_S)
    try:
        connection.request("GET", parts.path or "/")
        response = connection.getresponse()
        content = response.read(KEY_SET_BYTES_MAX)
    finally:
        connection.close()
    if response.status != HTTPStatus.OK:
        raise ValueError(f"{url} answers {response.status}")
    try:
        found: Any = json.loads(content)
    except RecursionError as error:
        raise ValueError(f"{url} has no key set") from error
    return keys_of(found, url)
