"""Fetches the keys of another issuer: what its discovery document names, and from nowhere else."""

import asyncio
import json
import ssl
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2

from examples.gateway.issuer import Issuer, is_safe
from examples.gateway.key_set import KEY_SET_BYTES_MAX, Jwks, keys_of

FETCH_MAX_S = 5.0
"""For both documents: issuers answer in a tenth of a second, from another continent in one."""


async def fetch_keys_of(issuer: Issuer, within_s: float = FETCH_MAX_S) -> Jwks:
    """Return the key set of *issuer*.

    Raises:
        OSError: It does not answer, or not in time.
        ValueError: It answers something else, or for another issuer.
    """
    try:
        async with asyncio.timeout(within_s), _client(issuer) as client:
            document = await _json(client, issuer.discovery_url)
            jwks = await _json(client, _key_set_url(issuer, document))
    except TimeoutError:
        raise TimeoutError(f"{issuer.url} does not answer within {within_s:g} s") from None
    except httpx2.HTTPError as error:
        raise ConnectionError(f"{issuer.url}: {error or type(error).__name__}") from error
    return keys_of(jwks, issuer.url)


def _client(issuer: Issuer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        # Bytes as they are counted below; a redirect would lead away from whom we trust.
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
        timeout=None,  # in all, above
        # The system's authorities, and a company's own by SSL_CERT_FILE.
        verify=ssl.create_default_context(),
        # A proxy on the way out, but none to this machine itself.
        trust_env=urlsplit(issuer.url).scheme == "https",
    )


async def _json(client: httpx2.AsyncClient, url: str) -> Any:
    content = bytearray()
    async with client.stream("GET", url) as response:
        if response.status_code != HTTPStatus.OK:
            raise ValueError(f"{url} answers {response.status_code}; no redirect is followed")
        async for part in response.aiter_raw():
            content += part
            if len(content) > KEY_SET_BYTES_MAX:
                raise ValueError(f"{url} answers more than {KEY_SET_BYTES_MAX} bytes")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError(f"{url} answers no JSON") from None


def _key_set_url(issuer: Issuer, document: Any) -> str:
    """Return where the keys are, if *document* is that of *issuer*."""
    found = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    # OpenID Connect Discovery 1.0 §4.3: else a document could pass for another's.
    if found.get("issuer") != issuer.url:
        raise ValueError(
            f"{issuer.discovery_url} is the document of another issuer; GATEWAY_ISSUER has to be, to "
            "the letter, the `issuer` in it"
        )
    url = found.get("jwks_uri")
    in_the_clear = urlsplit(issuer.url).scheme == "http"
    if not isinstance(url, str) or not is_safe(url, in_the_clear=in_the_clear):
        raise ValueError(f"{issuer.discovery_url} names no `jwks_uri` with https")
    return url
