"""A gateway for users who sign in elsewhere: real tokens of a real OpenID provider."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator

import jwt
import pytest
from joserfc.jwk import RSAKey

from contracts.registration import Open
from examples.gateway.key_set import FRESH_S, REFETCH_S, STALE_MAX_S
from tests.gateway.gateway_in_memory import DEPOSIT, problem
from tests.gateway.gateway_of_issuer import GatewayOfIssuer, gateway_of_issuer
from tests.openid.provider import OpenIdProvider

AUTH0 = "auth0|5f7c8ec7c33c6c004bbafe82"
UUID = "3f0b8bb2-6f0c-4a3c-9d2b-6f2d1c1f9a10"


@pytest.fixture
def gateway(provider: OpenIdProvider) -> Iterator[GatewayOfIssuer]:
    with gateway_of_issuer(provider) as gateway:
        yield gateway


def refused(gateway: GatewayOfIssuer, token: str, reason: str) -> None:
    """Check that *token* is not taken, and why: the caller is not told."""
    assert problem(gateway.balance(token)) == (401, "token_invalid")
    counted = f'gateway_tokens_refused_total{{reason="{reason}"}} 1.0'
    assert counted in gateway.operations.get("/metrics").text


class TestAUser:
    @pytest.mark.parametrize(
        ("user", "algorithm"),
        [(AUTH0, "RS256"), (UUID, "PS256"), ("Eve", "ES256"), ("f@g.example", "EdDSA")],
    )
    def test_has_the_account_that_the_token_names(
        self, provider: OpenIdProvider, gateway: GatewayOfIssuer, user: str, algorithm: str
    ) -> None:
        token = provider.sign_in(user, algorithm=algorithm).access_token

        opened = gateway.open(token)
        gateway.call("POST", "/balance/deposit", token, DEPOSIT)

        balance = gateway.balance(token).json()
        assert opened.status_code == 201
        assert (balance["username"], balance["balances"]["USD"]["posted"]) == (user, "10.50")

    def test_opens_it_once(self, provider: OpenIdProvider, gateway: GatewayOfIssuer) -> None:
        token = provider.sign_in(AUTH0).access_token

        before = gateway.balance(token)
        first, again = gateway.open(token), gateway.open(token)

        assert problem(before) == (404, "unknown_account")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert len([asked for asked in gateway.fake.asked if isinstance(asked, Open)]) == 1

    def test_has_nothing_to_sign_in_to_here(self, gateway: GatewayOfIssuer) -> None:
        for method, path in (
            ("POST", "/auth/register"),
            ("POST", "/auth/login"),
            ("POST", "/auth/refresh"),
            ("POST", "/auth/logout"),
            ("PUT", "/auth/password"),
        ):
            assert problem(gateway.call(method, path, "", {})) == (404, "http_error")


class TestAToken:
    def test_for_another_api_is_not_taken(
        self, provider: OpenIdProvider, gateway: GatewayOfIssuer
    ) -> None:
        token = provider.sign_in(AUTH0, audience="https://other.example/api").access_token

        refused(gateway, token, "audience")

    def test_of_another_issuer_is_not_taken_though_its_keys_are_the_same(
        self, provider: OpenIdProvider, gateway: GatewayOfIssuer
    ) -> None:
        token = provider.sign_in(AUTH0, issuer=provider.other_issuer).access_token

        refused(gateway, token, "issuer")

    def test_is_taken_until_it_expires(
        self, provider: OpenIdProvider, gateway: GatewayOfIssuer
    ) -> None:
        token = provider.sign_in(AUTH0).access_token
        gateway.open(token)

        gateway.clock.ahead_s = 600
        good = gateway.balance(token)
        gateway.clock.ahead_s = 660

        assert good.status_code == 200
        refused(gateway, token, "expired")

    def test_that_only_says_who_signed_in_is_not_taken(self, provider: OpenIdProvider) -> None:
        given = provider.sign_in(AUTH0)

        with gateway_of_issuer(provider, audience="shop-RS256") as gateway:
            refused(gateway, given.id_token, "id_token")

    @pytest.mark.parametrize(
        ("algorithm", "reason"), [("none", "algorithm"), ("HS256", "algorithm")]
    )
    def test_that_somebody_made_is_not_taken(
        self, provider: OpenIdProvider, gateway: GatewayOfIssuer, algorithm: str, reason: str
    ) -> None:
        """As it always was tried: unsigned, and with the public key as a secret."""
        header, claims, _ = provider.sign_in(AUTH0).access_token.split(".")
        said = json.loads(urlsafe_b64decode(header + "=="))
        [shown] = [key for key in provider.jwks()["keys"] if key["kid"] == said["kid"]]
        secret = RSAKey.import_key(shown).as_pem(private=False)

        forged = f"{_base64url(json.dumps(said | {'alg': algorithm}).encode())}.{claims}"
        signature = hmac.digest(secret, forged.encode(), "sha256")

        refused(gateway, f"{forged}.{_base64url(signature)}", reason)

    def test_signed_by_anybody_else_is_not_taken(
        self, provider: OpenIdProvider, gateway: GatewayOfIssuer
    ) -> None:
        token = provider.sign_in(AUTH0).access_token
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
        pem = RSAKey.generate_key(2048).as_pem(private=True)

        refused(gateway, jwt.encode(claims, pem, "RS256", headers=header), "signature")
        unknown = header | {"kid": "made up"}
        refused(gateway, jwt.encode(claims, pem, "RS256", headers=unknown), "unknown_key")

    @pytest.mark.parametrize("user", ["two words", "_leading"])
    def test_of_a_user_whose_name_is_no_username_is_not_taken(
        self, provider: OpenIdProvider, gateway: GatewayOfIssuer, user: str
    ) -> None:
        refused(gateway, provider.sign_in(user).access_token, "username")

    def test_names_its_user_in_the_claim_that_is_set(self, provider: OpenIdProvider) -> None:
        token = provider.sign_in("two words?oid=" + UUID).access_token

        with gateway_of_issuer(provider, username_claim="oid") as gateway:
            gateway.open(token)

            assert gateway.balance(token).json()["username"] == UUID
        with gateway_of_issuer(provider, username_claim="uid") as gateway:
            refused(gateway, token, "username")


class TestKeys:
    def test_are_found_when_the_provider_has_new_ones(
        self, provider: OpenIdProvider, gateway: GatewayOfIssuer
    ) -> None:
        old = provider.sign_in(AUTH0).access_token
        gateway.open(old)
        provider.rotate_keys()
        new = provider.sign_in(AUTH0).access_token

        at_once = gateway.balance(new)
        gateway.clock.ahead_s += REFETCH_S
        later = gateway.balance(new)

        assert (at_once.status_code, later.status_code) == (401, 200), "fetched once in a while"
        assert problem(gateway.balance(old)) == (401, "token_invalid"), "its key is gone"

    def test_serve_for_a_while_when_the_provider_is_away(
        self,
        provider: OpenIdProvider,
        gateway: GatewayOfIssuer,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        token = provider.sign_in(AUTH0).access_token
        gateway.open(token)
        provider.stop()
        try:
            gateway.clock.ahead_s = FRESH_S + 1
            known = gateway.balance(token), gateway.client.get("/health")
            gateway.clock.ahead_s = STALE_MAX_S + 1
            too_old = gateway.balance(token), gateway.client.get("/health")
        finally:
            provider.start()
        gateway.clock.ahead_s += REFETCH_S
        back = gateway.client.get("/health")

        assert [each.status_code for each in known] == [200, 200]
        assert problem(too_old[0]) == (401, "issuer_unavailable")
        assert too_old[0].headers["WWW-Authenticate"] == "Bearer", "the token may be good"
        assert too_old[1].json() == {"status": "unavailable", "keys": False}
        assert (back.status_code, back.json()) == (200, {"status": "ok", "keys": True})
        assert "the keys of GATEWAY_ISSUER are not known" in caplog.text
        assert provider.issuer in caplog.text
        assert token not in caplog.text

    def test_of_a_provider_that_calls_itself_otherwise_are_not_taken(
        self, provider: OpenIdProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        url = provider.issuer.replace("127.0.0.1", "localhost")

        with gateway_of_issuer(provider, url=url) as gateway:
            health = gateway.client.get("/health")

        assert health.status_code == 503
        assert "is the document of another issuer" in caplog.text


def _base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
