"""What is sent by half, too often or from one source alone keeps nobody else out (P10)."""

import asyncio
import logging
from contextlib import ExitStack, nullcontext

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from examples.gateway.app import create_app
from examples.gateway.arriving import BODY_BYTES_MAX, Arrived
from examples.gateway.bounded import Places
from examples.gateway.problems import ProblemError
from examples.gateway.settings import REGISTRATIONS_PER_MINUTE
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.gateway_in_memory import ALICE, Sidecar, a_gateway, gateway_in_memory, problem


class Caller:
    """Says a few things to the gateway, as a server passes them on, and hears what it says."""

    def __init__(self, *said: Message, stays: bool = False) -> None:
        self._said = [*said]
        self._stays = stays
        self.heard: list[Message] = []

    async def receive(self) -> Message:
        if self._said:
            return self._said.pop(0)
        if self._stays:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.heard.append(message)


class TestABody:
    async def test_has_to_come_in_time(self) -> None:
        caller = Caller({"type": "http.request", "body": b"{", "more_body": True}, stays=True)

        await Arrived(never, body_max_s=0.01)(a_scope(), caller.receive, caller.send)

        assert caller.heard[0]["status"] == 408
        assert (b"connection", b"close") in caller.heard[0]["headers"]

    async def test_that_is_broken_off_is_one_line(self, caplog: pytest.LogCaptureFixture) -> None:
        caller = Caller({"type": "http.request", "body": b"{", "more_body": True})

        with caplog.at_level(logging.DEBUG):
            await Arrived(never)(a_scope(), caller.receive, caller.send)

        assert caller.heard == []
        [line] = caplog.records
        assert (line.exc_info, "198.51.100.7" in line.getMessage()) == (None, True)

    async def test_is_bounded_however_it_comes(self) -> None:
        half = {"type": "http.request", "body": b"x" * BODY_BYTES_MAX, "more_body": True}
        caller = Caller(half, half, half)

        await Arrived(never)(a_scope(), caller.receive, caller.send)

        assert caller.heard[0]["status"] == 413

    async def test_takes_no_place_before_it_is_here(self) -> None:
        """Half-sent requests keep nobody out, however many there are."""
        fake = FakeAccounts()
        app = create_app(lambda: nullcontext(a_gateway(fake, Sidecar(fake))), requests_max=1)
        half = Caller({"type": "http.request", "body": b"{", "more_body": True}, stays=True)
        whole = Caller({"type": "http.request", "body": b""})
        async with app.router.lifespan_context(app):
            waiting = [
                asyncio.create_task(app(a_scope("POST"), half.receive, half.send))
                for _ in range(10)
            ]
            await asyncio.sleep(0)
            await app(a_scope(), whole.receive, whole.send)
            for task in waiting:
                task.cancel()

        assert whole.heard[0]["status"] == 200


class TestPlaces:
    def test_are_so_many_of_one_source(self) -> None:
        places = Places(10, 2, retry_s=7)

        with ExitStack() as taken:
            for source in ("a", "a", "b"):
                taken.enter_context(places.place(source))
            with pytest.raises(ProblemError) as refused:
                taken.enter_context(places.place("a"))

        assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "7")

    def test_are_so_many_of_all(self) -> None:
        places = Places(2, 2)

        with ExitStack() as taken:
            for source in ("a", "b"):
                taken.enter_context(places.place(source))
            with pytest.raises(ProblemError) as refused:
                taken.enter_context(places.place("c"))
        with places.place("c"), places.place("c"):
            pass

        assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")


class TestNewAccounts:
    def test_of_one_source_are_so_many_and_then_so_many_a_minute(self) -> None:
        with gateway_in_memory(REGISTRATIONS_PER_MINUTE) as in_memory:
            opened = [in_memory.register().status_code for _ in range(REGISTRATIONS_PER_MINUTE)]
            refused = in_memory.register()
            in_memory.sidecar.at_s += int(refused.headers["Retry-After"])
            again, refused_again = in_memory.register(), in_memory.register()

        assert problem(refused) == (429, "too_many_requests")
        assert set(opened) == {201, 409}
        assert (again.status_code, refused_again.status_code) == (409, 429)
        assert len(in_memory.fake.asked) == REGISTRATIONS_PER_MINUTE + 1

    def test_of_one_source_keep_no_other_from_it(self) -> None:
        with gateway_in_memory(1) as in_memory:
            in_memory.register()
            assert in_memory.register().status_code == 429
            another = TestClient(in_memory.client.app, client=("203.0.113.9", 50_000))
            assert another.post("/auth/register", json=ALICE).status_code == 409

    def test_of_one_site_count_together(self) -> None:
        with gateway_in_memory(1) as in_memory:
            bodies = [
                TestClient(in_memory.client.app, client=(host, 50_000)).post(
                    "/auth/register", json=ALICE
                )
                for host in ("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1")
            ]

        assert [body.status_code for body in bodies] == [201, 429, 409]


def a_scope(method: str = "GET") -> Scope:
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": "/health",
        "query_string": b"",
        "headers": [],
        "client": ("198.51.100.7", 50_000),
    }


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("it came through")
