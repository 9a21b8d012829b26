"""What the gateway does while something it leans on is away."""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from devstack.stack import Stack
from tests.e2e.gateway_process import GatewayProcess, Visitor, a_gateway
from tests.e2e.running import RunningService, Worker
from tests.speed import at_this_speed

REVOKED_MAX_S = 1.0
"""What is promised: a gateway refuses an ended session within a second, Redis up or down."""
ANSWERED_MAX_S = 30.0
IMPATIENT_S = "3"
"""How long a gateway waits for an answer that does not come, instead of half a minute."""
DEPOSIT = {"amount": "100.00", "currency": "USD"}


@pytest.fixture
def worker(service: RunningService) -> Worker:
    return service.start_worker()


@pytest.fixture
def gateway(service: RunningService, worker: Worker) -> Iterator[GatewayProcess]:
    with a_gateway(service, worker) as gateway:
        yield gateway


def a_visitor(gateway: GatewayProcess) -> Visitor:
    """Return somebody who has an account and is signed in."""
    visitor = Visitor(gateway.client)
    assert visitor.register().status_code == 201
    assert visitor.login().status_code == 200
    return visitor


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + ANSWERED_MAX_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("how", ["up", "killed", "stopped", "paused"])
def test_a_session_that_ended_is_refused_within_a_second(
    gateway: GatewayProcess, breakable: Stack, how: str
) -> None:
    """P8: Redis may be there or not; the revocation travels by Kafka."""
    visitors = [a_visitor(gateway) for _ in range(3)]
    breaks = {
        "up": lambda: None,
        "killed": breakable.redis.kill,
        "stopped": breakable.redis.stop,
        "paused": breakable.redis.pause,
    }
    breaks[how]()

    for visitor in visitors:
        ended = visitor.call("POST", "/auth/logout")
        began_s = time.monotonic()
        assert ended.status_code == 200, ended.text
        bound_s = at_this_speed(REVOKED_MAX_S)
        assert visitor.refused_after_s(began_s, bound_s) <= bound_s


def test_an_ended_session_stays_ended_in_a_gateway_that_starts_later(
    gateway: GatewayProcess, service: RunningService, worker: Worker, breakable: Stack
) -> None:
    """P8: no session revives, though Redis forgot everything."""
    visitor = a_visitor(gateway)
    visitor.call("POST", "/auth/logout")
    breakable.redis.kill()
    breakable.redis.restart()

    with a_gateway(service, worker) as another:
        visitor.client = another.client
        response = visitor.call("GET", "/balance")

    assert (response.status_code, response.json()["code"]) == (401, "session_ended")


def test_a_command_without_an_answer_is_found_by_its_link(
    service: RunningService, gateway: GatewayProcess, worker: Worker
) -> None:
    """P2: the deposit that got no answer in time has its effect once."""
    visitor, key = a_visitor(gateway), uuid4().hex
    patient = visitor.client
    with a_gateway(service, worker, answer_timeout_s=IMPATIENT_S) as impatient:
        visitor.client = impatient.client
        worker.pause()

        late = visitor.call("POST", "/balance/deposit", DEPOSIT, key)
        asked = visitor.call("GET", "/balance")
        worker.resume()
    visitor.client = patient

    assert late.status_code == 202
    assert late.headers["Location"] == f"/outcomes/gateway:{key}"
    assert (asked.status_code, asked.json()["code"]) == (504, "no_answer")
    wait_until(
        lambda: visitor.call("GET", late.headers["Location"]).status_code == 200,
        "the outcome is never known",
    )
    # The first record's answer may still be on its way, and answers the second asking as well.
    again = visitor.call("POST", "/balance/deposit", DEPOSIT, key)
    assert again.status_code == 200
    assert visitor.call("GET", "/balance").json()["balances"]["USD"]["posted"] == "100.00"


def test_it_goes_on_by_itself_after_kafka_was_away(
    service: RunningService, gateway: GatewayProcess, breakable: Stack, worker: Worker
) -> None:
    visitor = a_visitor(gateway)
    with a_gateway(service, worker, answer_timeout_s=IMPATIENT_S) as impatient:
        visitor.client = impatient.client
        breakable.kafka.kill()

        during = visitor.call("POST", "/balance/deposit", DEPOSIT)

        assert during.status_code in {202, 503}, during.text
        breakable.kafka.restart()
        worker.wait_ready()
        wait_until(
            lambda: visitor.call("GET", "/balance").status_code == 200, "it never gets well again"
        )
        wait_until(
            lambda: visitor.call("POST", "/balance/deposit", DEPOSIT).status_code == 200,
            "it takes no money again",
        )
