"""What one caller sends costs that caller only, and what the gateway says is taken for what it is."""

import pytest
from fastapi.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from contracts.sessions import Login
from tests.gateway.gateway_in_memory import ALICE, DEPOSIT, SHOP, GatewayInMemory, problem

HOSTILE = {"Host": "evil.example", "X-Forwarded-Proto": "https"}
WHOLE = {"email": "al@example.com", "first_name": "Al", "last_name": "Liddell"}


class TestAPath:
    @pytest.mark.parametrize("path", ["/balance/deposit/", "/auth/login/", "/health/"])
    def test_with_a_slash_behind_it_leads_to_no_site_that_the_caller_names(
        self, in_memory: GatewayInMemory, path: str
    ) -> None:
        response = in_memory.client.post(path, headers=HOSTILE, follow_redirects=False)

        assert problem(response) == (404, "http_error")
        assert "evil.example" not in str(response.headers)

    @pytest.mark.parametrize("path", ["/metrics", "/openapi.json", "/docs"])
    def test_for_operators_is_none_of_the_public(
        self, in_memory: GatewayInMemory, path: str
    ) -> None:
        assert problem(in_memory.get(path)) == (404, "http_error")

    @pytest.mark.parametrize("path", ["/metrics", "/openapi.json"])
    def test_for_operators_is_on_their_port(self, in_memory: GatewayInMemory, path: str) -> None:
        assert in_memory.operations.get(path).status_code == 200


class TestHead:
    @pytest.mark.parametrize("path", ["/health", "/balance", "/nowhere"])
    def test_is_get_without_the_content(self, in_memory: GatewayInMemory, path: str) -> None:
        in_memory.sign_in()

        head, get = in_memory.client.head(path, headers=in_memory.headers), in_memory.get(path)

        assert head.content == b""
        assert (head.status_code, head.headers) == (get.status_code, get.headers)

    def test_is_no_way_to_post(self, in_memory: GatewayInMemory) -> None:
        assert in_memory.client.head("/auth/login").status_code == 405


class TestAnAddress:
    @pytest.mark.parametrize(
        ("forwarded", "source"),
        [
            ("a" * 200, "unknown"),
            ("", "127.0.0.1"),
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("_hidden, unknown", "unknown"),
        ],
    )
    def test_that_a_proxy_passes_on_is_an_address_or_unknown(
        self, in_memory: GatewayInMemory, forwarded: str, source: str
    ) -> None:
        in_memory.register()
        behind = ProxyHeadersMiddleware(in_memory.client.app, "127.0.0.1")  # type: ignore[arg-type]
        caller = TestClient(behind, client=("127.0.0.1", 50_000))  # type: ignore[arg-type]

        body = {"username": "alice", "password": ALICE["password"]}
        response = caller.post("/auth/login", json=body, headers={"X-Forwarded-For": forwarded})

        asked = in_memory.fake.asked[-1]
        assert response.status_code == 200
        assert isinstance(asked, Login)
        assert asked.source == source


class TestAKey:
    @pytest.mark.parametrize("first", ["one", "two"])
    def test_is_sent_once(self, in_memory: GatewayInMemory, first: str) -> None:
        in_memory.sign_in()
        twice = [*in_memory.headers.items(), ("Idempotency-Key", first), ("Idempotency-Key", "two")]

        response = in_memory.client.post("/balance/deposit", json=DEPOSIT, headers=twice)

        assert problem(response) == (422, "invalid_request")
        assert response.json()["errors"][0]["field"] == "Idempotency-Key"
        assert in_memory.get("/balance").json()["balances"] == {}

    def test_is_one_value_and_not_a_list(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()

        assert in_memory.post("/balance/deposit", DEPOSIT, key="one, two").status_code == 422

    def test_in_quotation_marks_is_the_same(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()

        first = in_memory.post("/balance/deposit", DEPOSIT, key="key-1")
        again = in_memory.post("/balance/deposit", DEPOSIT, key='"key-1"')

        assert (first.status_code, again.status_code) == (200, 200)
        assert again.json() == {**first.json(), "duplicate": True}
        assert again.headers["Idempotency-Key"] == "key-1"

    @pytest.mark.parametrize("key", ['"key-1', 'key-1"', '""', '"'])
    def test_in_half_of_them_is_none(self, in_memory: GatewayInMemory, key: str) -> None:
        in_memory.sign_in()

        assert in_memory.post("/balance/deposit", DEPOSIT, key=key).status_code == 422

    def test_of_the_caller_is_sent_once_too(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        twice = [*in_memory.headers.items(), ("Authorization", "Bearer another")]

        response = in_memory.client.get("/balance", headers=twice)

        assert problem(response) == (422, "invalid_request")


class TestAProfile:
    @pytest.fixture(autouse=True)
    def known(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        in_memory.patch("/auth/profile", {"phone": "+14155550132", "marketing_consent": True})

    def test_is_replaced_by_put(self, in_memory: GatewayInMemory) -> None:
        assert in_memory.put("/auth/profile", WHOLE).status_code == 200

        profile = in_memory.get("/auth/profile").json()
        assert profile["first_name"] == "Al"
        assert "phone" not in profile
        assert profile["marketing_consent"] is False

    def test_is_put_whole_or_not_at_all(self, in_memory: GatewayInMemory) -> None:
        assert problem(in_memory.put("/auth/profile", {"first_name": "Al"})) == (
            422,
            "invalid_request",
        )
        assert in_memory.get("/auth/profile").json()["first_name"] == "Alice"

    def test_is_changed_in_part_by_patch(self, in_memory: GatewayInMemory) -> None:
        assert in_memory.patch("/auth/profile", {"first_name": "Al"}).status_code == 200

        profile = in_memory.get("/auth/profile").json()
        assert (profile["first_name"], profile["phone"]) == ("Al", "+14155550132")


class TestEveryAnswer:
    def test_is_not_stored_nor_guessed_at(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        answers = [
            in_memory.login(),
            in_memory.get("/health"),
            in_memory.get("/nowhere"),
            in_memory.get("/balance"),
        ]
        in_memory.fake.fails = ZeroDivisionError()
        answers.append(in_memory.get("/balance"))

        assert [answer.status_code for answer in answers] == [200, 200, 404, 200, 500]
        for answer in answers:
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_asks_for_tls_only_over_tls(self, in_memory: GatewayInMemory, scheme: str) -> None:
        response = in_memory.client.get(f"{scheme}://testserver/health")

        assert ("strict-transport-security" in response.headers) == (scheme == "https")


class TestAPage:
    def test_of_an_origin_that_is_known_may_call(self, in_memory: GatewayInMemory) -> None:
        asks = {
            "Origin": SHOP,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization, idempotency-key",
        }

        may = in_memory.client.options("/auth/profile", headers=asks)
        reads = in_memory.client.get("/health", headers={"Origin": SHOP})

        assert may.status_code == 200
        assert may.headers["access-control-allow-origin"] == SHOP
        assert reads.headers["access-control-allow-origin"] == SHOP
        assert "Idempotency-Key" in reads.headers["access-control-expose-headers"]

    def test_of_another_may_not(self, in_memory: GatewayInMemory) -> None:
        response = in_memory.client.get("/health", headers={"Origin": "https://evil.example"})

        assert "access-control-allow-origin" not in response.headers
