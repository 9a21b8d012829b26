"""The cookie by which a browser is known, and that nothing else depends on it."""

from http.cookies import SimpleCookie
from typing import Any

import pytest
from httpx2 import Response

from client.tokens import TOKEN_LENGTH_MAX
from contracts.sessions import Login
from examples.gateway.devices import COOKIE
from tests.gateway.gateway_in_memory import PASSWORD, SHOP, GatewayInMemory, problem


def cookie(response: Response) -> Any:
    """Return the cookie that *response* sets."""
    [kept] = SimpleCookie(response.headers["Set-Cookie"]).values()
    assert kept.key == COOKIE
    return kept


def signed_in(
    in_memory: GatewayInMemory, cookies: str | None, password: str = PASSWORD
) -> Response:
    """Sign alice in from a browser with *cookies*."""
    headers = [] if cookies is None else [(b"Cookie", cookies.encode("latin-1"))]
    body = {"username": "alice", "password": password}
    return in_memory.client.post("/auth/login", json=body, headers=headers)


class TestTheCookie:
    def test_is_out_of_reach_of_pages_other_sites_and_the_clear(
        self, in_memory: GatewayInMemory
    ) -> None:
        in_memory.register()

        kept = cookie(in_memory.login())

        assert (kept["httponly"], kept["secure"], kept["samesite"]) == (True, True, "strict")
        assert (kept["path"], kept["max-age"], kept["domain"]) == ("/auth", "7776000", "")

    def test_holds_the_device_token_which_the_answer_does_not_show(
        self, in_memory: GatewayInMemory
    ) -> None:
        in_memory.register()

        response = in_memory.login()

        assert cookie(response).value.startswith("device-token-")
        assert "device" not in response.text

    def test_goes_to_the_service_with_the_next_sign_in(self, in_memory: GatewayInMemory) -> None:
        in_memory.register()
        token = cookie(signed_in(in_memory, None)).value

        again = signed_in(in_memory, f"{COOKIE}={token}")

        assert again.status_code == 200
        assert in_memory.fake.device_tokens == [None, token]
        request = in_memory.fake.asked[-1]
        assert isinstance(request, Login)
        assert token not in request.model_dump_json()

    def test_is_renewed_by_a_refresh(self, in_memory: GatewayInMemory) -> None:
        tokens = in_memory.sign_in()
        before = in_memory.login()
        body = {"username": "alice", "refresh_token": tokens["refresh_token"]}

        response = in_memory.post("/auth/refresh", body)

        assert cookie(response).value != cookie(before).value
        assert "device" not in response.text

    def test_stays_when_a_sign_in_fails_or_the_user_leaves(
        self, in_memory: GatewayInMemory
    ) -> None:
        in_memory.sign_in()

        for response in (in_memory.login("wrong"), in_memory.post("/auth/logout")):
            assert "Set-Cookie" not in response.headers

    @pytest.mark.parametrize("token", ["", "x" * (TOKEN_LENGTH_MAX + 1), "\x80", '"', "a b"])
    def test_that_is_of_no_use_is_no_reason_to_refuse(
        self, in_memory: GatewayInMemory, token: str
    ) -> None:
        in_memory.register()

        response = signed_in(in_memory, f"{COOKIE}={token}")

        assert response.status_code == 200
        assert in_memory.fake.device_tokens[-1] in {None, token}

    def test_lets_nobody_in(self, in_memory: GatewayInMemory) -> None:
        in_memory.register()
        token = cookie(in_memory.login()).value

        assert problem(signed_in(in_memory, f"{COOKIE}={token}", "wrong")) == (
            401,
            "invalid_credentials",
        )
        profile = in_memory.client.get("/auth/profile", headers={"Cookie": f"{COOKIE}={token}"})
        assert problem(profile) == (401, "token_missing")

    def test_is_kept_for_pages_that_may_call_and_no_others(
        self, in_memory: GatewayInMemory
    ) -> None:
        in_memory.register()
        body = {"username": "alice", "password": PASSWORD}

        def allowed(origin: str) -> tuple[str | None, str | None]:
            headers = in_memory.client.post(
                "/auth/login", json=body, headers={"Origin": origin}
            ).headers
            names = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")
            return headers.get(names[0]), headers.get(names[1])

        assert allowed(SHOP) == (SHOP, "true")
        assert allowed("https://evil.example")[0] is None
