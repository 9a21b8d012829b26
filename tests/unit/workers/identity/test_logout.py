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


def live(bench: IdentityInMemory) -> set[str]:
    sessions = bench.identities.sessions.values()
    return {each.session_id for each in sessions if each.is_live(bench.now)}


class TestALogout:
    async def test_ends_its_session_only(self, bench: IdentityInMemory) -> None:
        first, second = await bench.signed_in("in-1"), await bench.signed_in("in-2")

        answer = await bench.answer(bench.logout(access_token(first)))

        assert answer.body["sessions_ended"] == 1
        assert live(bench) == {second.body["session_id"]}
        assert [each["session_id"] for each in answer.revoked] == [first.body["session_id"]]
        assert answer.revoked[0]["reason"] == "logout"
        assert bench.credential().epoch == 0
        [event] = answer.audited
        assert (event["action"], event["session_id"]) == ("logout", first.body["session_id"])

    async def test_of_an_ended_session_is_accepted_and_ends_nothing(
        self, bench: IdentityInMemory
    ) -> None:
        token = access_token(await bench.signed_in())
        await bench.answer(bench.logout(token, "out-1"))

        answer = await bench.answer(bench.logout(token, "out-2"))

        assert (answer.status, answer.body["sessions_ended"]) == ("accepted", 0)
        assert answer.revoked == []

    async def test_makes_the_refresh_token_useless(self, bench: IdentityInMemory) -> None:
        signed_in = await bench.signed_in()
        await bench.answer(bench.logout(access_token(signed_in)))

        answer = await bench.answer(bench.refresh(signed_in.tokens["refresh_token"]))

        assert answer.code == "session_ended"


class TestALogoutEverywhere:
    async def test_ends_all_sessions_and_counts_the_epoch_up(self, bench: IdentityInMemory) -> None:
        answers = [await bench.signed_in(f"in-{n}") for n in range(3)]
        ids = {answer.body["session_id"] for answer in answers}

        answer = await bench.answer(bench.logout(access_token(answers[0]), everywhere=True))

        assert answer.body["sessions_ended"] == 3
        assert {each["session_id"] for each in answer.revoked} == ids
        assert live(bench) == set()
        assert (bench.credential().epoch, bench.credential().version) == (1, 2)

    async def test_is_not_open_to_a_session_that_has_ended(self, bench: IdentityInMemory) -> None:
        first, second = await bench.signed_in("in-1"), await bench.signed_in("in-2")
        await bench.answer(bench.logout(access_token(first), "out-1"))

        answer = await bench.answer(bench.logout(access_token(first), "out-2", everywhere=True))

        assert answer.body["sessions_ended"] == 0
        assert live(bench) == {second.body["session_id"]}

    async def test_ends_a_session_that_is_opened_meanwhile(self, bench: IdentityInMemory) -> None:
        signed_in = await bench.signed_in()
        other = await bench.answer(bench.login(request_id="in-2"))
        [late] = bench.identities.applied[-1].opened
        assert late.session_id == other.body["session_id"]
        del bench.identities.sessions[late.session_id]

        def open_it() -> None:
            bench.identities.sessions[late.session_id] = late
            credential = bench.credential()
            counted = replace(credential, relied_on=credential.relied_on + 1)
            bench.credentials.by_username["alice"] = counted

        bench.identities.between = open_it
        answer = await bench.answer(bench.logout(access_token(signed_in), everywhere=True))

        assert answer.body["sessions_ended"] == 2
        assert live(bench) == set()

    async def test_leaves_other_users_alone(self, bench: IdentityInMemory) -> None:
        bench.register("bob")
        bobs = await bench.answer(bench.login(username="bob"))
        alices = await bench.signed_in()

        await bench.answer(bench.logout(access_token(alices), everywhere=True))

        assert live(bench) == {bobs.body["session_id"]}


class TestALogin:
    async def test_beside_a_logout_everywhere_is_decided_again(
        self, bench: IdentityInMemory
    ) -> None:
        counted_up = replace(bench.credential(), epoch=1, version=2)

        def count_up() -> None:
            bench.credentials.by_username["alice"] = counted_up

        bench.identities.between = count_up
        answer = await bench.signed_in()

        claims = bench.claims(answer.tokens["access_token"], bench.now)
        assert claims.epoch == 1
        assert len(bench.hasher.verified) == 1  # the hash is the same
        assert bench.failures == {}


class TestAnAccessToken:
    async def test_of_another_user_ends_nothing(self, bench: IdentityInMemory) -> None:
        bench.register("mallory")
        token = access_token(await bench.signed_in())

        answer = await bench.answer(bench.logout(token, username="mallory", everywhere=True))

        assert answer.code == "token_invalid"
        assert len(live(bench)) == 1

    @pytest.mark.parametrize("seconds", [305, 10_000])
    async def test_that_expired_is_invalid(self, bench: IdentityInMemory, seconds: int) -> None:
        token = access_token(await bench.signed_in())
        bench.wait(seconds)

        answer = await bench.answer(bench.logout(token))

        assert answer.code == "token_invalid"

    async def test_sealed_for_a_change_of_password_ends_nothing(
        self, bench: IdentityInMemory
    ) -> None:
        token = access_token(await bench.signed_in())
        sealed = bench.sealed(token, Purpose.CHANGE_TOKEN, "out-1")

        answer = await bench.answer(bench.logout(token, "out-1", sealed_access_token=sealed))

        assert answer.code == "seal_invalid"
        assert len(live(bench)) == 1

    async def test_is_no_refresh_token(self, bench: IdentityInMemory) -> None:
        signed_in = await bench.signed_in()

        answer = await bench.answer(bench.logout(signed_in.tokens["refresh_token"]))

        assert answer.code == "token_invalid"
        assert len(live(bench)) == 1


async def test_a_logout_everywhere_read_again_ends_nobody_else(bench: IdentityInMemory) -> None:
    first = await bench.signed_in("in-1")
    request = bench.logout(access_token(first), everywhere=True)
    before = await bench.answer(request)
    bench.wait(60)
    await bench.signed_in("in-2")
    epoch = bench.credential().epoch

    after = await bench.answer(request)

    assert after.said == before.said
    assert len(live(bench)) == 1
    assert bench.credential().epoch == epoch
