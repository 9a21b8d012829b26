"""What to seal to: fetched once for all who wait, kept, and fetched anew when it was refused."""

import asyncio
import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from client import AccountsClient
from client.errors import SealingKeysError
from client.key_set import SealingKeys
from client.sealing import ReplyKeyPair

KEYS: dict[str, Any] = {"keys": [{**ReplyKeyPair().public, "use": "enc"}]}


class Sidecar(ThreadingHTTPServer):
    """Answers every question alike, and counts them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked = 0
        self.body = json.dumps(KEYS).encode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/.well-known/sealing-keys.json"


class Answering(BaseHTTPRequestHandler):
    server: Sidecar  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None: ...  # pyright: ignore[reportIncompatibleMethodOverride]


@pytest.fixture
def sidecar() -> Iterator[Sidecar]:
    with Sidecar() as sidecar:
        thread = Thread(target=sidecar.serve_forever)
        thread.start()
        yield sidecar
        sidecar.shutdown()
        thread.join()


async def test_are_fetched_once_for_all_who_wait(sidecar: Sidecar) -> None:
    keys = SealingKeys(sidecar.url)

    found = await asyncio.gather(*(keys.get() for _ in range(20)))

    assert found == [KEYS] * 20
    assert sidecar.asked == 1


async def test_are_fetched_anew_once_they_were_refused(sidecar: Sidecar) -> None:
    keys = SealingKeys(sidecar.url)
    await keys.get()
    keys.forget()
    await keys.get()

    assert sidecar.asked == 2


@pytest.mark.parametrize("body", [b"[]", b"{}", b"no JSON", b'{"keys": [7]}'])
async def test_that_are_none_are_said_to_be(sidecar: Sidecar, body: bytes) -> None:
    sidecar.body = body
    keys = SealingKeys(sidecar.url)

    with pytest.raises(SealingKeysError, match="no sealing keys at http"):
        await keys.get()

    sidecar.body = json.dumps(KEYS).encode()
    assert await keys.get() == KEYS


async def test_are_not_waited_for_longer_than_the_call_may_take() -> None:
    """Nobody answers where they are; five wait for the same."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        async with AccountsClient("127.0.0.1:1", sealing_keys=url) as accounts:
            calls = [accounts.login("alice", "a password", timeout_s=0.2) for _ in range(5)]
            ended = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(each) for each in ended] == [SealingKeysError] * 5
    assert "no answer in time" in str(ended[0])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "does not know where"),
        ("file:///etc/passwd", "no http or https URL"),
        ("http://127.0.0.1:1/", "no sealing keys at"),
    ],
)
async def test_that_cannot_be_had_say_why(given: str | None, said: str) -> None:
    with pytest.raises(SealingKeysError, match=said):
        await SealingKeys(given).get()


async def test_that_are_given_are_not_fetched() -> None:
    assert await SealingKeys(KEYS).get() is KEYS
