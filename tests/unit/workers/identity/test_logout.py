"""Logout: ends one session or all, as often as it is asked for."""

from dataclasses import replace

import pytest

from contracts.sealing import Purpose
from tests.unit.workers.identity.identity_in_memory import (
    Answer,
    IdentityInMemory,
)


def access_token(answer: Answer) -> str:
    token = answer.tokens["access_token"]
    assert isinstance(token, str)
    return token


def live(in_memory: IdentityInMemory) -> set[str]:
    sessions = in_memory.identities.sessions.values()
    return {each.session_id for each in sessions if each.is_live(in_memory.now)}


class TestALogout:
    async def test_ends_its_session_only(self, in_memory: IdentityInMemory) -> None:
        first, second = await in_memory.signed_in("in-1"), await in_memory.signed_in("in-2")

        answer = await in_memory.answer(in_memory.logout(access_token(first)))

        assert answer.body["sessions_ended"] == 1
        assert live(in_memory) == {second.body["session_id"]}
        assert [each["session_id"] for each in answer.revoked] == [first.body["session_id"]]
        assert answer.revoked[0]["reason"] == "logout"
        assert in_memory.credential().epoch == 0
        [event] = answer.audited
        assert (event["action"], event["session_id"]) == ("logout", first.body["session_id"])

    async def test_of_an_ended_session_is_accepted_and_ends_nothing(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = access_token(await in_memory.signed_in())
        await in_memory.answer(in_memory.logout(token, "out-1"))

        answer = await in_memory.answer(in_memory.logout(token, "out-2"))

        assert (answer.status, answer.body["sessions_ended"]) == ("accepted", 0)
        assert answer.revoked == []

    async def test_makes_the_refresh_token_useless(self, in_memory: IdentityInMemory) -> None:
        signed_in = await in_memory.signed_in()
        await in_memory.answer(in_memory.logout(access_token(signed_in)))

        answer = await in_memory.answer(in_memory.refresh(signed_in.tokens["refresh_token"]))

        assert answer.code == "session_ended"


class TestALogoutEverywhere:
    async def test_ends_all_sessions_and_counts_the_epoch_up(
        self, in_memory: IdentityInMemory
    ) -> None:
        answers = [await in_memory.signed_in(f"in-{n}") for n in range(3)]
        ids = {answer.body["session_id"] for answer in answers}

        answer = await in_memory.answer(in_memory.logout(access_token(answers[0]), everywhere=True))

        assert answer.body["sessions_ended"] == 3
        assert {each["session_id"] for each in answer.revoked} == ids
        assert live(in_memory) == set()
        assert (in_memory.credential().epoch, in_memory.credential().version) == (1, 2)

    async def test_is_not_open_to_a_session_that_has_ended(
        self, in_memory: IdentityInMemory
    ) -> None:
        first, second = await in_memory.signed_in("in-1"), await in_memory.signed_in("in-2")
        await in_memory.answer(in_memory.logout(access_token(first), "out-1"))

        answer = await in_memory.answer(
            in_memory.logout(access_token(first), "out-2", everywhere=True)
        )

        assert answer.body["sessions_ended"] == 0
        assert live(in_memory) == {second.body["session_id"]}

    async def test_ends_a_session_that_is_opened_meanwhile(
        self, in_memory: IdentityInMemory
    ) -> None:
        signed_in = await in_memory.signed_in()
        other = await in_memory.answer(in_memory.login(request_id="in-2"))
        [late] = in_memory.identities.applied[-1].opened
        assert late.session_id == other.body["session_id"]
        del in_memory.identities.sessions[late.session_id]

        def open_it() -> None:
            in_memory.identities.sessions[late.session_id] = late
            credential = in_memory.credential()
            counted = replace(credential, relied_on=credential.relied_on + 1)
            in_memory.credentials.by_username["alice"] = counted

        in_memory.identities.between = open_it
        answer = await in_memory.answer(in_memory.logout(access_token(signed_in), everywhere=True))

        assert answer.body["sessions_ended"] == 2
        assert live(in_memory) == set()

    async def test_leaves_other_users_alone(self, in_memory: IdentityInMemory) -> None:
        in_memory.register("bob")
        bobs = await in_memory.answer(in_memory.login(username="bob"))
        alices = await in_memory.signed_in()

        await in_memory.answer(in_memory.logout(access_token(alices), everywhere=True))

        assert live(in_memory) == {bobs.body["session_id"]}


class TestALogin:
    async def test_beside_a_logout_everywhere_is_decided_again(
        self, in_memory: IdentityInMemory
    ) -> None:
        counted_up = replace(in_memory.credential(), epoch=1, version=2)

        def count_up() -> None:
            in_memory.credentials.by_username["alice"] = counted_up

        in_memory.identities.between = count_up
        answer = await in_memory.signed_in()

        claims = in_memory.claims(answer.tokens["access_token"], in_memory.now)
        assert claims.epoch == 1
        assert len(in_memory.hasher.verified) == 1  # the hash is the same
        assert in_memory.failures == {}


class TestAnAccessToken:
    async def test_of_another_user_ends_nothing(self, in_memory: IdentityInMemory) -> None:
        in_memory.register("mallory")
        token = access_token(await in_memory.signed_in())

        answer = await in_memory.answer(
            in_memory.logout(token, username="mallory", everywhere=True)
        )

        assert answer.code == "token_invalid"
        assert len(live(in_memory)) == 1

    @pytest.mark.parametrize("seconds", [305, 10_000])
    async def test_that_expired_is_invalid(self, in_memory: IdentityInMemory, seconds: int) -> None:
        token = access_token(await in_memory.signed_in())
        in_memory.wait(seconds)

        answer = await in_memory.answer(in_memory.logout(token))

        assert answer.code == "token_invalid"

    async def test_sealed_for_a_change_of_password_ends_nothing(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = access_token(await in_memory.signed_in())
        sealed = in_memory.sealed(token, Purpose.CHANGE_TOKEN, "out-1")

        answer = await in_memory.answer(
            in_memory.logout(token, "out-1", sealed_access_token=sealed)
        )

        assert answer.code == "seal_invalid"
        assert len(live(in_memory)) == 1

    async def test_is_no_refresh_token(self, in_memory: IdentityInMemory) -> None:
        signed_in = await in_memory.signed_in()

        answer = await in_memory.answer(in_memory.logout(signed_in.tokens["refresh_token"]))

        assert answer.code == "token_invalid"
        assert len(live(in_memory)) == 1


async def test_a_logout_everywhere_read_again_ends_nobody_else(in_memory: IdentityInMemory) -> None:
    first = await in_memory.signed_in("in-1")
    request = in_memory.logout(access_token(first), everywhere=True)
    before = await in_memory.answer(request)
    in_memory.wait(60)
    await in_memory.signed_in("in-2")
    epoch = in_memory.credential().epoch

    after = await in_memory.answer(request)

    assert after.said == before.said
    assert len(live(in_memory)) == 1
    assert in_memory.credential().epoch == epoch
