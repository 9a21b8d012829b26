"""Access tokens are verified by the gateway itself: keys, claims, and sessions that ended."""

from datetime import timedelta

import pytest

from contracts.codes import Code
from examples.gateway.key_set import FRESH_S, REFETCH_S, STALE_MAX_S
from tests.gateway.gateway_in_memory import GatewayInMemory, bearer, problem
from tests.gateway.service_keys import ServiceKeys
from tests.published import NOON


@pytest.fixture
def signed_in(in_memory: GatewayInMemory) -> GatewayInMemory:
    """Return one that has verified a token before."""
    in_memory.sign_in()
    assert in_memory.get("/balance").status_code == 200
    return in_memory


class TestAToken:
    def test_of_the_service_is_good(self, signed_in: GatewayInMemory) -> None:
        assert signed_in.get("/balance").status_code == 200

    @pytest.mark.parametrize(
        "wrong",
        [
            {"iss": "others"},
            {"aud": "others"},
            {"exp": int((NOON - timedelta(seconds=6)).timestamp())},
            {"nbf": int((NOON + timedelta(seconds=6)).timestamp())},
            {"sub": None},
            {"sid": None},
        ],
    )
    def test_with_a_wrong_claim_is_not(
        self, signed_in: GatewayInMemory, wrong: dict[str, object]
    ) -> None:
        token = signed_in.fake.keys.access_token("alice", "session-1", NOON, **wrong)

        response = signed_in.client.get("/balance", headers=bearer(token))

        assert problem(response) == (401, "token_invalid")

    def test_signed_by_another_key_is_not(self, signed_in: GatewayInMemory) -> None:
        token = ServiceKeys().access_token("alice", "session-1", NOON)

        response = signed_in.client.get("/balance", headers=bearer(token))

        assert problem(response) == (401, "token_invalid")

    def test_says_who_asks(self, signed_in: GatewayInMemory) -> None:
        signed_in.register(username="bob", email="bob@example.com")
        token = signed_in.fake.keys.access_token("bob", "session-9", NOON)

        response = signed_in.client.get("/balance", headers=bearer(token))

        assert response.json()["username"] == "bob"

    def test_of_a_session_that_ended_is_not(self, signed_in: GatewayInMemory) -> None:
        signed_in.fake.ended.add("session-1")

        response = signed_in.get("/balance")

        assert problem(response) == (401, "session_ended")
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    def test_is_not_judged_while_it_is_unknown_what_has_ended(
        self, signed_in: GatewayInMemory
    ) -> None:
        signed_in.fake.is_current = False

        assert problem(signed_in.get("/balance")) == (503, "unavailable")

    def test_that_is_refused_is_counted_by_its_reason(self, signed_in: GatewayInMemory) -> None:
        signed_in.client.get("/balance", headers=bearer("made.up.token"))

        counted = 'gateway_tokens_refused_total{reason="malformed"} 1.0'
        assert counted in signed_in.operations.get("/metrics").text


class TestKeys:
    def test_are_fetched_once(self, signed_in: GatewayInMemory) -> None:
        for _ in range(3):
            signed_in.get("/balance")

        assert signed_in.sidecar.asked == 1

    def test_are_fetched_again_for_one_that_is_unknown(self, signed_in: GatewayInMemory) -> None:
        signed_in.fake.keys = ServiceKeys("2")
        signed_in.sidecar.at_s += REFETCH_S
        token = signed_in.fake.keys.access_token("alice", "session-2", NOON)

        response = signed_in.client.get("/balance", headers=bearer(token))

        assert (response.status_code, signed_in.sidecar.asked) == (200, 2)

    def test_are_not_fetched_for_every_made_up_one(self, signed_in: GatewayInMemory) -> None:
        for number in range(10):
            token = ServiceKeys(f"made-up-{number}").access_token("alice", "session-1", NOON)
            response = signed_in.client.get("/balance", headers=bearer(token))
            assert problem(response) == (401, "token_invalid")

        assert signed_in.sidecar.asked == 1

    def test_that_are_retired_are_forgotten(self, signed_in: GatewayInMemory) -> None:
        signed_in.fake.keys = ServiceKeys("2")
        signed_in.sidecar.at_s += FRESH_S + 1

        assert problem(signed_in.get("/balance")) == (401, "token_invalid")

    def test_serve_while_the_sidecar_is_away(self, signed_in: GatewayInMemory) -> None:
        signed_in.sidecar.away = True
        signed_in.sidecar.at_s += STALE_MAX_S

        assert signed_in.get("/balance").status_code == 200

    def test_are_not_trusted_for_ever(self, signed_in: GatewayInMemory) -> None:
        signed_in.sidecar.away = True
        signed_in.sidecar.at_s += STALE_MAX_S + 1

        assert problem(signed_in.get("/balance")) == (503, "unavailable")

    def test_are_needed_to_sign_in(self, in_memory: GatewayInMemory) -> None:
        in_memory.sidecar.away = True

        for response in (in_memory.register(), in_memory.login()):
            assert problem(response) == (503, "unavailable")

    def test_are_fetched_again_where_the_one_to_seal_to_is_gone(
        self, in_memory: GatewayInMemory
    ) -> None:
        in_memory.register()
        in_memory.sidecar.at_s += REFETCH_S
        in_memory.fake.refuses = Code.SEAL_INVALID

        response = in_memory.login()

        assert problem(response) == (503, "seal_invalid")
        assert in_memory.sidecar.asked_what_to_seal_to == 2

    def test_are_found_once_the_sidecar_is_back(self, in_memory: GatewayInMemory) -> None:
        in_memory.sidecar.away = True
        in_memory.register()
        in_memory.sidecar.away = False
        in_memory.sidecar.at_s += REFETCH_S

        assert in_memory.register().status_code == 201


class TestHealth:
    def test_is_well(self, in_memory: GatewayInMemory) -> None:
        response = in_memory.get("/health")

        assert response.status_code == 200
        assert response.json() == {"status": "ok", "keys": True, "revocations": True}

    def test_is_not_without_keys(self, in_memory: GatewayInMemory) -> None:
        in_memory.sidecar.away = True

        response = in_memory.get("/health")

        assert response.status_code == 503
        assert response.json() == {"status": "unavailable", "keys": False, "revocations": True}

    def test_is_not_without_revocations(self, in_memory: GatewayInMemory) -> None:
        in_memory.fake.is_current = False

        assert in_memory.get("/health").status_code == 503


class TestMetrics:
    def test_name_routes_and_never_paths(self, signed_in: GatewayInMemory) -> None:
        signed_in.get("/outcomes/key-1")
        signed_in.get("/made-up/alice")
        signed_in.client.request("BREW", "/balance")

        text = signed_in.operations.get("/metrics").text

        assert 'requests_total{method="GET",route="/outcomes/{command_id}",status="404"} 1' in text
        assert 'requests_total{method="GET",route="unmatched",status="404"} 1' in text
        assert 'method="other"' in text
        assert "alice" not in text
