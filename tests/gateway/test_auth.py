"""Opening an account, signing in and out."""

import logging

import pytest

from contracts.codes import Code
from contracts.problems import Problem, field_error
from contracts.registration import Register
from contracts.sessions import Login, Logout, Refresh
from tests.gateway.gateway_in_memory import ALICE, PASSWORD, GatewayInMemory, bearer, problem


class TestRegister:
    def test_opens_an_account(self, in_memory: GatewayInMemory) -> None:
        response = in_memory.register()

        assert response.status_code == 201
        assert response.json()["account_id"] == "id-of-alice"
        assert in_memory.fake.accounts["alice"].password == PASSWORD

    def test_takes_the_idempotency_key_for_its_command_id(self, in_memory: GatewayInMemory) -> None:
        response = in_memory.post("/auth/register", ALICE, key="key-1")

        assert response.headers["Idempotency-Key"] == "key-1"
        assert response.json()["command_id"] == "gateway-register:key-1"

    def test_opens_one_account_however_often_it_is_sent(self, in_memory: GatewayInMemory) -> None:
        first = in_memory.post("/auth/register", ALICE, key="key-1")
        again = in_memory.post("/auth/register", ALICE, key="key-1")

        assert (again.status_code, again.json()) == (201, {**first.json(), "duplicate": True})

    def test_names_a_fresh_command_id_where_no_key_came(self, in_memory: GatewayInMemory) -> None:
        first, second = in_memory.register(), in_memory.register()

        assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
        assert problem(second) == (409, "username_taken")

    def test_sends_what_was_said_and_no_more(self, in_memory: GatewayInMemory) -> None:
        in_memory.register(date_of_birth="1990-02-03", phone="+14155550123")

        command = in_memory.fake.asked[-1]

        assert isinstance(command, Register)
        assert command.model_fields_set == {
            *(set(ALICE) - {"password"}),
            *("command_id", "sealed_password", "date_of_birth", "phone"),
        }

    def test_says_which_field_is_wrong_and_never_what_it_held(
        self, in_memory: GatewayInMemory
    ) -> None:
        response = in_memory.register(email="no-address", surname="x")

        assert problem(response) == (422, "invalid_request")
        assert response.json()["errors"] == [
            field_error("email", Problem.NOT_AN_EMAIL),
            field_error("unknown field", Problem.UNKNOWN_FIELD),
        ]
        assert "no-address" not in response.text


class TestLogin:
    def test_answers_with_the_tokens(self, in_memory: GatewayInMemory) -> None:
        in_memory.register()

        response = in_memory.login()

        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert set(response.json()) == {
            *("access_token", "refresh_token", "token_type", "expires_in", "refresh_expires_in")
        }

    def test_tells_the_service_where_the_caller_is(self, in_memory: GatewayInMemory) -> None:
        in_memory.login()

        request = in_memory.fake.asked[-1]

        assert isinstance(request, Login)
        assert request.source == "198.51.100.7"

    def test_refuses_a_wrong_password_as_an_unknown_user(self, in_memory: GatewayInMemory) -> None:
        in_memory.register()

        wrong, unknown = in_memory.login("wrong"), in_memory.login(username="nobody")

        assert problem(wrong) == (401, "invalid_credentials")
        assert wrong.content == unknown.content
        assert wrong.headers["WWW-Authenticate"] == "Bearer"

    def test_says_how_long_to_wait_after_too_many_attempts(
        self, in_memory: GatewayInMemory
    ) -> None:
        in_memory.fake.refuses = Code.TOO_MANY_ATTEMPTS

        response = in_memory.login()

        assert problem(response) == (429, "too_many_attempts")
        assert response.headers["Retry-After"] == "7"

    def test_asks_the_same_again_where_an_answer_is_lost(self, in_memory: GatewayInMemory) -> None:
        in_memory.register()
        in_memory.fake.silent = 1

        response = in_memory.login()

        first, second = in_memory.fake.asked[-2:]
        assert response.status_code == 200
        assert first == second

    def test_is_a_time_out_where_no_answer_comes(self, in_memory: GatewayInMemory) -> None:
        in_memory.register()
        in_memory.fake.silent = 2

        assert problem(in_memory.login()) == (504, "no_answer")

    def test_never_shows_a_password(
        self, in_memory: GatewayInMemory, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        canary = "canary-9f3b-never-seen"
        broken, as_json = f'{{"password": "{canary}"', {"Content-Type": "application/json"}

        texts = [
            in_memory.register(password=canary).text,
            in_memory.login(canary).text,
            in_memory.login(canary + "x").text,
            in_memory.register(password=[canary]).text,
            in_memory.register(username=f"${canary}", password=canary).text,
            in_memory.client.post("/auth/login", content=broken, headers=as_json).text,
            in_memory.operations.get("/metrics").text,
        ]

        assert canary not in "".join(texts) + caplog.text


class TestRefresh:
    def test_answers_with_new_tokens(self, in_memory: GatewayInMemory) -> None:
        tokens = in_memory.sign_in()
        body = {"username": "alice", "refresh_token": tokens["refresh_token"]}

        response = in_memory.post("/auth/refresh", body)

        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert response.json()["refresh_token"] != tokens["refresh_token"]
        request = in_memory.fake.asked[-1]
        assert isinstance(request, Refresh)
        assert request.source == "198.51.100.7"

    def test_refuses_what_is_no_refresh_token(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        body = {"username": "alice", "refresh_token": "made.up"}

        response = in_memory.post("/auth/refresh", body)

        assert problem(response) == (401, "token_invalid")
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


class TestWhatMayHaveBeenDone:
    def test_is_not_to_be_sent_again(self, in_memory: GatewayInMemory) -> None:
        tokens = in_memory.sign_in()
        refresh = {"username": "alice", "refresh_token": tokens["refresh_token"]}
        change = {"password": PASSWORD, "new_password": "another long sentence"}
        in_memory.fake.silent = 4

        for response in (
            in_memory.post("/auth/refresh", refresh),
            in_memory.put("/auth/password", change),
        ):
            assert problem(response) == (504, "no_answer")
            assert response.json()["retryable"] is False
            assert "may have been done" in response.json()["detail"]

    def test_may_be_sent_again_where_that_does_no_harm(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        in_memory.fake.silent = 4

        for response in (in_memory.login(), in_memory.post("/auth/logout")):
            assert problem(response) == (504, "no_answer")
            assert response.json()["retryable"] is True


class TestLogout:
    def test_ends_this_session(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()

        response = in_memory.post("/auth/logout")

        assert (response.status_code, response.json()) == (200, {"sessions_ended": 1})
        assert problem(in_memory.get("/balance")) == (401, "session_ended")

    def test_ends_all_where_told(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        in_memory.login()

        response = in_memory.post("/auth/logout", {"everywhere": True})

        assert response.json() == {"sessions_ended": 2}
        request = in_memory.fake.asked[-1]
        assert isinstance(request, Logout)
        assert request.everywhere


class TestChangePassword:
    def test_sets_the_new_one(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        body = {"password": PASSWORD, "new_password": "another long sentence"}

        response = in_memory.put("/auth/password", body)

        assert (response.status_code, response.json()) == (200, {"sessions_ended": 0})
        assert problem(in_memory.login()) == (401, "invalid_credentials")
        assert in_memory.login("another long sentence").status_code == 200

    def test_wants_the_old_one(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        body = {"password": "wrong", "new_password": "another long sentence"}

        response = in_memory.put("/auth/password", body)

        assert problem(response) == (401, "invalid_credentials")
        # The token is good: only what is wrong with a token is said to be.
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth/logout"),
        ("PUT", "/auth/password"),
        ("GET", "/auth/profile"),
        ("PUT", "/auth/profile"),
        ("GET", "/balance"),
        ("POST", "/balance/deposit"),
        ("POST", "/balance/withdraw"),
        ("GET", "/balance/transactions"),
        ("GET", "/outcomes/1"),
    ],
)
class TestWithoutAToken:
    def test_nothing_is_done(self, in_memory: GatewayInMemory, method: str, path: str) -> None:
        response = in_memory.client.request(method, path)

        assert problem(response) == (401, "token_missing")
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert in_memory.fake.asked == []

    def test_another_scheme_is_none(
        self, in_memory: GatewayInMemory, method: str, path: str
    ) -> None:
        headers = {"Authorization": "Basic YWxpY2U6eA=="}

        response = in_memory.client.request(method, path, headers=headers)

        assert problem(response) == (401, "token_missing")

    def test_a_made_up_one_is_refused(
        self, in_memory: GatewayInMemory, method: str, path: str
    ) -> None:
        response = in_memory.client.request(method, path, headers=bearer("made.up.token"))

        assert problem(response) == (401, "token_invalid")
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
