"""Too many requests at once are refused as everything else is, and only while there are too many."""

import asyncio
from contextlib import nullcontext

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from examples.gateway.app import create_app
from examples.gateway.bounded import Bounded
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.gateway_in_memory import Sidecar, a_gateway, problem


class Slow:
    """An application whose answers wait until they may come."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = 0

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.asked += 1
        await self.may_answer.wait()
        if scope.get("fails"):
            raise OSError("the caller went away")


async def status_of(app: Bounded, *, fails: bool = False) -> int | None:
    """Return the status with which *app* itself answers, or None where it lets through."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "fails": fails}, receive, send)
    return sent[0]["status"] if sent else None


@pytest.mark.parametrize("fails", [False, True])
async def test_as_many_as_are_in_hand_are_let_through(*, fails: bool) -> None:
    slow = Slow()
    app = Bounded(slow, requests_max=2)
    waiting = [asyncio.create_task(status_of(app, fails=fails)) for _ in range(2)]
    await asyncio.sleep(0)

    over = await asyncio.wait_for(status_of(app), 10)
    slow.may_answer.set()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert over == 503
    assert slow.asked == 2
    assert await status_of(app) is None, "there is room again"


def test_the_refusal_is_a_problem_and_is_counted() -> None:
    fake = FakeAccounts()
    gateway = a_gateway(fake, Sidecar(fake))
    app = create_app(lambda: nullcontext(gateway), requests_max=0)

    with TestClient(app) as client:
        response = client.get("/balance")

    assert problem(response) == (503, "unavailable")
    assert response.headers["Retry-After"] == "1"
    labels = {"method": "GET", "route": "unmatched", "status": "503"}
    assert gateway.metrics.registry.get_sample_value("gateway_requests_total", labels) == 1
