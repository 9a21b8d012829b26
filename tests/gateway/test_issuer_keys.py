"""The keys of another issuer are taken from where its discovery document says, and from nowhere else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from examples.gateway.issuer import Issuer
from examples.gateway.issuer_keys import fetch_keys_of
from examples.gateway.key_set import KEY_SET_BYTES_MAX

DISCOVERY = "/tenant/.well-known/openid-configuration"
KEYS = {"keys": [{"kty": "RSA", "kid": "1"}, "no key"]}


def an_answer(content: Any, status: str = "200 OK", header: str = "X: y") -> bytes:
    text = content if isinstance(content, str) else json.dumps(content)
    return f"HTTP/1.1 {status}\r\n{header}\r\nConnection: close\r\n\r\n{text}".encode()


@asynccontextmanager
async def an_issuer(**answers: Any) -> AsyncGenerator[Issuer]:
    """Run one that answers *document* and *keys* so; its URL may stand in them as `{url}`."""
    url = ""
    answering: list[Any] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.append(asyncio.current_task())
        asked = (await reader.readline()).split()[1].decode()
        said = answers["document" if asked == DISCOVERY else "keys"]
        if said is None:  # nothing, until the caller has had enough
            await reader.read()
        else:
            text = json.dumps(said).replace("{url}", url) if isinstance(said, dict) else said
            writer.write(text if isinstance(text, bytes) else an_answer(text))
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/tenant"
        yield Issuer(url=f"{url}/", audience="a")
        await asyncio.gather(*answering)


GOOD: Mapping[str, Any] = {"issuer": "{url}/", "jwks_uri": "{url}/keys"}


async def test_they_are_found_behind_the_issuers_url() -> None:
    async with an_issuer(document=GOOD, keys=KEYS) as issuer:
        assert await fetch_keys_of(issuer) == {"keys": [{"kty": "RSA", "kid": "1"}]}


@pytest.mark.parametrize(
    ("document", "keys", "why"),
    [
        ({**GOOD, "issuer": "{url}"}, KEYS, "another issuer"),
        ({"jwks_uri": "{url}/keys"}, KEYS, "another issuer"),
        ("[]", KEYS, "another issuer"),
        ({"issuer": "{url}/"}, KEYS, "names no `jwks_uri`"),
        ({**GOOD, "jwks_uri": "http://192.0.2.1/keys"}, KEYS, "names no `jwks_uri`"),
        ({**GOOD, "jwks_uri": "file:///etc/passwd"}, KEYS, "names no `jwks_uri`"),
        ({**GOOD, "jwks_uri": 7}, KEYS, "names no `jwks_uri`"),
        (an_answer("", "302 Found", "Location: http://192.0.2.1/"), KEYS, "answers 302"),
        (GOOD, an_answer("", "404 Not Found"), "answers 404"),
        (GOOD, "no json", "answers no JSON"),
        (GOOD, "[" * 100_000, "answers no JSON"),
        (GOOD, {"keys": 7}, "has no key set"),
        (GOOD, "7", "has no key set"),
        (GOOD, " " * (KEY_SET_BYTES_MAX + 1), "answers more than"),
    ],
)
async def test_whatever_else_is_answered_is_no_key_set(document: Any, keys: Any, why: str) -> None:
    async with an_issuer(document=document, keys=keys) as issuer:
        with pytest.raises(ValueError, match=why):
            await fetch_keys_of(issuer)


@pytest.mark.parametrize("answers", [{"document": None}, {"document": GOOD, "keys": None}])
async def test_nobody_is_waited_for_longer_than_there_is_time(answers: Mapping[str, Any]) -> None:
    async with an_issuer(**answers) as issuer:
        with pytest.raises(TimeoutError, match=r"does not answer within 0\.2 s"):
            await fetch_keys_of(issuer, within_s=0.2)


async def test_nobody_there_is_said_with_the_address() -> None:
    async with an_issuer() as issuer:
        pass

    with pytest.raises(OSError, match=issuer.url):
        await fetch_keys_of(issuer)
