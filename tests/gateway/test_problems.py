"""Every way to fail has a status, a code and the right headers."""

import pytest

from client.errors import (
    NotSentError,
    TopicMissingError,
    UnreachableError,
    UnreadableRecordError,
)
from contracts.codes import Code
from contracts.ledger import Deposit
from contracts.problems import Problem, field_error
from examples.gateway.arriving import BODY_BYTES_MAX
from examples.gateway.problems import STATUS
from tests.gateway.gateway_in_memory import DEPOSIT, GatewayInMemory, problem


class TestStatus:
    def test_is_there_for_every_code(self) -> None:
        assert set(STATUS) == set(Code)

    @pytest.mark.parametrize("code", Code)
    def test_is_what_a_refused_command_is_answered_with(
        self, in_memory: GatewayInMemory, code: Code
    ) -> None:
        in_memory.sign_in()
        in_memory.fake.refuses = code

        response = in_memory.post("/balance/deposit", DEPOSIT)

        assert problem(response) == (STATUS[code], code)
        assert response.json()["title"] == code.info.title
        assert response.json()["retryable"] == code.info.retryable
        assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)

    @pytest.mark.parametrize("code", Code)
    def test_is_what_a_refused_request_is_answered_with(
        self, in_memory: GatewayInMemory, code: Code
    ) -> None:
        in_memory.sign_in()
        in_memory.fake.refuses = code

        assert problem(in_memory.get("/balance")) == (STATUS[code], code)
        assert problem(in_memory.login()) == (STATUS[code], code)


class TestTheServiceAway:
    @pytest.mark.parametrize("error", [UnreachableError, TopicMissingError, NotSentError])
    def test_is_said(self, in_memory: GatewayInMemory, error: type[Exception]) -> None:
        in_memory.sign_in()
        in_memory.fake.fails = error("broker-7.internal:9092 does not answer")

        for response in (
            in_memory.post("/balance/deposit", DEPOSIT),
            in_memory.get("/balance"),
            in_memory.login(),
        ):
            assert problem(response) == (503, "unavailable")
            assert response.headers["Retry-After"] == "1"
            assert "broker-7" not in response.text

    def test_is_told_from_an_answer_that_cannot_be_read(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        in_memory.fake.fails = UnreadableRecordError("accounts.results", 0, 1)

        assert problem(in_memory.get("/balance")) == (502, "unreadable_answer")

    def test_is_told_from_a_mistake_of_the_gateway(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        in_memory.fake.fails = ZeroDivisionError("secret inside")

        response = in_memory.get("/balance")

        assert problem(response) == (500, "gateway_failed")
        assert "secret" not in response.text


class TestABody:
    def test_is_bounded(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        body = b'{"amount": "1", "currency": "USD"}'.ljust(BODY_BYTES_MAX)

        fits = self._deposit(in_memory, body)
        does_not = self._deposit(in_memory, body + b" ")

        assert fits == 200
        assert does_not == 413

    def _deposit(self, in_memory: GatewayInMemory, body: bytes) -> int:
        headers = {**in_memory.headers, "Content-Type": "application/json"}
        return in_memory.client.post("/balance/deposit", content=body, headers=headers).status_code

    @pytest.mark.parametrize(
        "body",
        [
            b'{"amount": "1.00", "currency": "USD", "amount": "1000.00"}',
            b'{"amount": "1.00", "currency": "USD", "metadata": {"a": "1", "a": "2"}}',
        ],
    )
    def test_says_each_name_once(self, in_memory: GatewayInMemory, body: bytes) -> None:
        in_memory.sign_in()
        headers = {**in_memory.headers, "Content-Type": "application/json"}

        response = in_memory.client.post("/balance/deposit", content=body, headers=headers)

        assert problem(response) == (422, "invalid_request")
        assert response.json()["errors"] == [field_error("body", Problem.NAME_REPEATED)]
        assert not any(isinstance(each, Deposit) for each in in_memory.fake.asked)

    def test_behind_a_byte_order_mark_is_no_json(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        headers = {**in_memory.headers, "Content-Type": "application/json"}
        body = b'\xef\xbb\xbf{"amount": "1.00", "currency": "USD"}'

        response = in_memory.client.post("/balance/deposit", content=body, headers=headers)

        assert response.json()["errors"] == [field_error("body", Problem.NOT_JSON)]

    def test_is_json(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()

        response = in_memory.client.post(
            "/balance/deposit", data=DEPOSIT, headers=in_memory.headers
        )

        assert problem(response) == (415, "not_json")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b'{"amount": NaN, "currency": "USD"}',
            b'{"amount": "1", "currency": "USD", "reason": "\\ud800"}',
            b"[" * 10_000,
            b'{"a":' * 2_000,
        ],
    )
    def test_that_is_broken_is_refused(self, in_memory: GatewayInMemory, body: bytes) -> None:
        in_memory.sign_in()

        assert self._deposit(in_memory, body) == 422


class TestRouting:
    def test_does_not_know_every_path(self, in_memory: GatewayInMemory) -> None:
        assert problem(in_memory.get("/nowhere")) == (404, "http_error")

    def test_says_which_methods_there_are(self, in_memory: GatewayInMemory) -> None:
        response = in_memory.client.delete("/auth/profile")

        assert problem(response) == (405, "http_error")
        assert response.headers["Allow"] == "GET, HEAD, PATCH, PUT"
