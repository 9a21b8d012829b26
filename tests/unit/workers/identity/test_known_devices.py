"""Device tokens: who is known on a device, and what does not pass for one."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from client.sealing import SEALED_LENGTH_MAX
from client.tokens import TokenError, TokenProblem
from contracts.sealing import Purpose
from contracts.sessions import Tokens
from examples.gateway.devices import KEPT
from handlers.identity.subjects import of_device
from storage.ports.credentials import Credential
from tests.unit.sealed import PASSWORD
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    IdentityInMemory,
)
from workers.clock import fresh_name
from workers.identity.options import DEVICE_TOKEN
from workers.keys.files import new_key
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing
from workers.keys.tokens import DEVICE_TYPE, TokenIssuer

HOME = "198.51.100.7"
NEW = "a new and long password"


def issuer(ring: KeyRing, name: str = "accounts") -> TokenIssuer:
    life_s = int(DEVICE_TOKEN.total_seconds())
    return TokenIssuer(
        ring=ring, issuer=name, audience=name, access_token_s=life_s, device_token_s=life_s
    )


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def signed(in_memory: IdentityInMemory, claims: dict[str, Any], of_type: str = DEVICE_TYPE) -> str:
    key = in_memory.ring.signing_key()
    headers = {"typ": of_type, "kid": key.kid}
    return jwt.encode(claims, key.signer(), algorithm="ES256", headers=headers)


async def is_known(in_memory: IdentityInMemory, token: str | None, username: str = "alice") -> bool:
    """Say whether *token* lets a user in whom strangers keep from signing in elsewhere."""
    await in_memory.answer(in_memory.login(WRONG, fresh_name(), source=HOME, username=username))
    login = in_memory.login(
        PASSWORD, fresh_name(), source=HOME, username=username, device_token=token
    )
    answer = await in_memory.answer(login)
    assert answer.code in {None, "too_many_attempts", "invalid_credentials"}, answer.code
    return answer.code is None


class TestADeviceToken:
    async def test_makes_its_device_known(self, in_memory: IdentityInMemory) -> None:
        token = (await in_memory.signed_in()).tokens["device_token"]

        assert not await is_known(in_memory, None)
        assert await is_known(in_memory, token)

    async def test_says_whose_it_is_and_nothing_else(self, in_memory: IdentityInMemory) -> None:
        answer = await in_memory.signed_in()
        token = answer.tokens["device_token"]

        claims = claims_of(token)

        assert jwt.get_unverified_header(token)["typ"] == "device+jwt"
        assert (claims["iss"], claims["aud"]) == ("accounts", "accounts/devices")
        assert (claims["sub"], claims["sid"]) == ("alice", answer.body["session_id"])
        assert claims["exp"] - claims["iat"] == 90 * 24 * 3600

    async def test_outlives_its_session(self, in_memory: IdentityInMemory) -> None:
        tokens = (await in_memory.signed_in()).tokens
        await in_memory.answer(in_memory.logout(tokens["access_token"]))
        in_memory.wait(60 * 24 * 3600)

        assert await is_known(in_memory, tokens["device_token"])

    async def test_is_renewed_with_the_session(self, in_memory: IdentityInMemory) -> None:
        first = (await in_memory.signed_in()).tokens
        in_memory.wait(20 * 24 * 3600)
        second = (await in_memory.answer(in_memory.refresh(first["refresh_token"]))).tokens
        in_memory.wait(80 * 24 * 3600)

        assert not await is_known(in_memory, first["device_token"])
        assert await is_known(in_memory, second["device_token"])

    async def test_is_of_use_again_after_a_change_of_password_and_a_refresh(
        self, in_memory: IdentityInMemory
    ) -> None:
        own = (await in_memory.signed_in()).tokens
        await in_memory.answer(in_memory.change(own["access_token"], PASSWORD, NEW))
        in_memory.register()  # the password of the checks, at the epoch of the change
        in_memory.credentials.by_username["alice"] = changed_to(in_memory, epoch=1)
        renewed = (await in_memory.answer(in_memory.refresh(own["refresh_token"]))).tokens

        assert not await is_known(in_memory, own["device_token"])
        assert await is_known(in_memory, renewed["device_token"])


def changed_to(in_memory: IdentityInMemory, epoch: int) -> Credential:
    """Return the password of the checks, as if it was set anew."""
    return replace(in_memory.credential(), epoch=epoch)


class TestWhatDoesNotPassForOne:
    @pytest.mark.parametrize("at", [timedelta(0), timedelta(seconds=4)])
    async def test_until_its_end_it_does(self, in_memory: IdentityInMemory, at: timedelta) -> None:
        token = (await in_memory.signed_in()).tokens["device_token"]
        in_memory.now += DEVICE_TOKEN + at

        assert await is_known(in_memory, token)

    async def test_one_that_has_expired(self, in_memory: IdentityInMemory) -> None:
        token = (await in_memory.signed_in()).tokens["device_token"]
        in_memory.now += DEVICE_TOKEN + timedelta(seconds=5)

        assert not await is_known(in_memory, token)

    async def test_another_users(self, in_memory: IdentityInMemory) -> None:
        in_memory.register("mallory")
        login = in_memory.login(request_id="own", username="mallory")
        token = (await in_memory.answer(login)).tokens["device_token"]

        assert await is_known(in_memory, token, "mallory")
        assert not await is_known(in_memory, token)

    async def test_one_from_before_a_change_of_password(self, in_memory: IdentityInMemory) -> None:
        other = (await in_memory.signed_in("other")).tokens["device_token"]
        own = (await in_memory.signed_in("own")).tokens
        await in_memory.answer(in_memory.change(own["access_token"], PASSWORD, NEW))
        in_memory.credentials.by_username["alice"] = changed_to(in_memory, epoch=1)

        for token in (other, own["device_token"]):
            answer = await in_memory.answer(
                in_memory.login(WRONG, f"in-{token[-9:]}", device_token=token)
            )
            assert answer.code in {"invalid_credentials", "too_many_attempts"}
        assert not [each for each in in_memory.failures if "/device/" in each]

    async def test_one_from_before_a_logout_everywhere(self, in_memory: IdentityInMemory) -> None:
        tokens = (await in_memory.signed_in()).tokens
        await in_memory.answer(in_memory.logout(tokens["access_token"], everywhere=True))

        assert not await is_known(in_memory, tokens["device_token"])

    async def test_one_that_another_key_signed(
        self, in_memory: IdentityInMemory, tmp_path: Path
    ) -> None:
        new_key(tmp_path / "theirs", in_memory.now)
        new_key(tmp_path / "theirs", in_memory.now, KeyKind.SIGNING)
        ring = KeyRing(tmp_path / "theirs", clock=lambda: in_memory.now)

        forged = issuer(ring).device_token("alice", "s1", 0, in_memory.now)

        assert not await is_known(in_memory, forged)

    async def test_one_of_another_issuer(self, in_memory: IdentityInMemory) -> None:
        foreign = issuer(in_memory.ring, "elsewhere").device_token("alice", "s1", 0, in_memory.now)

        assert not await is_known(in_memory, foreign)

    @pytest.mark.parametrize("change", ["payload", "signature", "none", "empty", "text"])
    async def test_one_that_was_changed(self, in_memory: IdentityInMemory, change: str) -> None:
        token = (await in_memory.signed_in()).tokens["device_token"]
        header, payload, signature = token.split(".")
        unsigned = jwt.encode(claims_of(token), "", algorithm="none")
        forged = {
            "payload": f"{header}.{payload[:-2]}AA.{signature}",
            "signature": f"{header}.{payload}.{'A' * 86}",
            "none": unsigned,
            "empty": f"{header}.{payload}.",
            "text": "not a token",
        }

        assert not await is_known(in_memory, forged[change])

    async def test_an_access_token(self, in_memory: IdentityInMemory) -> None:
        tokens = (await in_memory.signed_in()).tokens

        assert not await is_known(in_memory, tokens["access_token"])
        assert not await is_known(in_memory, tokens["refresh_token"])

    @pytest.mark.parametrize(
        "change", [{"aud": "accounts"}, {"iss": "else"}, {"sub": "bob"}, {"epoch": 7}, {"sid": ""}]
    )
    async def test_one_of_our_own_key_for_something_else(
        self, in_memory: IdentityInMemory, change: dict[str, Any]
    ) -> None:
        claims = claims_of((await in_memory.signed_in()).tokens["device_token"])

        assert await is_known(in_memory, signed(in_memory, claims))
        in_memory.wait(3600)
        assert not await is_known(in_memory, signed(in_memory, claims | change))
        assert not await is_known(in_memory, signed(in_memory, claims, "at+jwt"))

    async def test_nor_is_it_an_access_token(self, in_memory: IdentityInMemory) -> None:
        """Not by its type; nor by its audience, for those who do not look at types."""
        token = (await in_memory.signed_in()).tokens["device_token"]

        for disguised, reason in (
            (token, TokenProblem.TYPE),
            (signed(in_memory, claims_of(token), "at+jwt"), TokenProblem.AUDIENCE),
        ):
            with pytest.raises(TokenError) as raised:
                in_memory.claims(disguised, in_memory.now)
            assert raised.value.reason is reason
        assert (await in_memory.answer(in_memory.logout(token))).code == "token_invalid"
        assert (
            await in_memory.answer(in_memory.change(token, PASSWORD, NEW))
        ).code == "token_invalid"
        assert (await in_memory.answer(in_memory.refresh(token))).code == "token_invalid"


class TestWhoHasACopy:
    async def test_of_a_token_waits_like_anybody(self, in_memory: IdentityInMemory) -> None:
        answer = await in_memory.signed_in()
        device, session = answer.tokens["device_token"], answer.body["session_id"]
        until, tried, n = in_memory.now + timedelta(hours=1), 0, 0

        while in_memory.now < until:
            source = f"203.0.113.{n % 250}"
            login = in_memory.login(WRONG, f"in-{n}", source=source, device_token=device)
            tried += (await in_memory.answer(login)).code == "invalid_credentials"
            in_memory.wait(5)
            n += 1
        elsewhere = await in_memory.answer(in_memory.login(request_id="elsewhere", source=HOME))

        assert tried == 13
        assert elsewhere.status == "accepted"
        assert in_memory.failures == {of_device("alice", session): 13}

    async def test_of_what_was_sent_cannot_send_it_with_another_guess(
        self, in_memory: IdentityInMemory
    ) -> None:
        """The sealed token is for one request, which is answered once."""
        device = (await in_memory.signed_in()).tokens["device_token"]
        sent = in_memory.login(PASSWORD, "in-2", device_token=device)
        await in_memory.answer(sent)
        sealed = sent.request.model_dump()["sealed_device_token"]

        copied = await in_memory.answer(in_memory.login(WRONG, "in-3", sealed_device_token=sealed))

        assert copied.code == "seal_invalid"

    async def test_of_another_field_cannot_pass_it_for_a_device(
        self, in_memory: IdentityInMemory
    ) -> None:
        sealed = in_memory.sealed(
            PASSWORD, Purpose.LOGIN_PASSWORD, "in-2", reply_key=in_memory.jwk()
        )

        answer = await in_memory.answer(
            in_memory.login(request_id="in-2", sealed_device_token=sealed)
        )

        assert answer.code == "seal_invalid"


async def test_what_is_sealed_to_its_device_fits(in_memory: IdentityInMemory) -> None:
    answer = await in_memory.signed_in()

    assert len(answer.body["sealed_tokens"]) < SEALED_LENGTH_MAX // 2


def test_ninety_days_are_said_where_it_is_promised() -> None:
    assert DEVICE_TOKEN == KEPT == timedelta(days=90)
    assert "90 days" in str(Tokens.model_fields["device_token"].description)
