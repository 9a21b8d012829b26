"""The OpenAPI document has every answer that the service's refusals lead to."""

from typing import Any

import pytest

from contracts import topics
from contracts.codes import Code
from contracts.refusals import OF_REQUESTS_ALONE, REFUSALS
from contracts.topics import TopicSpec
from examples.gateway.problems import STATUS
from tests.gateway.gateway_in_memory import GatewayInMemory


def responses(in_memory: GatewayInMemory, method: str, path: str) -> dict[str, Any]:
    """Return what the document says of one route's answers."""
    return in_memory.operations.get("/openapi.json").json()["paths"][path][method]["responses"]


@pytest.mark.parametrize(
    ("method", "path", "topic"),
    [
        ("post", "/auth/login", topics.LOGIN),
        ("post", "/auth/refresh", topics.REFRESH),
        ("post", "/auth/logout", topics.LOGOUT),
        ("put", "/auth/password", topics.CHANGE_PASSWORD),
        ("get", "/auth/profile", topics.GET_PROFILE),
        ("get", "/balance", topics.GET_BALANCE),
        ("get", "/balance/transactions", topics.LIST_TRANSACTIONS),
        ("get", "/outcomes/{command_id}", topics.GET_OUTCOME),
    ],
)
def test_a_request_has_each_of_its_refusals(
    in_memory: GatewayInMemory, method: str, path: str, topic: TopicSpec
) -> None:
    documented = responses(in_memory, method, path)

    assert {str(int(STATUS[code])) for code in REFUSALS[topic]} - set(documented) == set()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/balance/deposit"),
        ("post", "/balance/withdraw"),
        ("put", "/auth/profile"),
        ("patch", "/auth/profile"),
    ],
)
def test_a_command_has_each_of_its_refusals(
    in_memory: GatewayInMemory, method: str, path: str
) -> None:
    documented = responses(in_memory, method, path)

    codes = set(Code) - OF_REQUESTS_ALONE
    assert {str(int(STATUS[code])) for code in codes} - set(documented) == set()


@pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh"])
def test_too_many_attempts_say_how_long_to_wait(in_memory: GatewayInMemory, path: str) -> None:
    documented = responses(in_memory, "post", path)

    assert documented["429"]["headers"]["Retry-After"]["required"] is True


def test_a_registration_without_an_answer_has_no_link(in_memory: GatewayInMemory) -> None:
    registered = responses(in_memory, "post", "/auth/register")
    deposited = responses(in_memory, "post", "/balance/deposit")

    assert set(registered["202"]["headers"]) == {"Idempotency-Key", "Retry-After"}
    assert "Location" in deposited["202"]["headers"]
