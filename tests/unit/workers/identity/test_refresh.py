"""Refresh: one of many callers wins, a lost answer is no theft, and a copy ends the session."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.ports.errors import LostRaceError
from tests.unit.sealed import PASSWORD
from tests.unit.workers.identity.identity_in_memory import (
    Answer,
    IdentityInMemory,
)


def token_of(answer: Answer) -> str:
    token = answer.tokens["refresh_token"]
    assert isinstance(token, str)
    return token


async def signed_in(in_memory: IdentityInMemory) -> str:
    return token_of(await in_memory.signed_in())


class TestARefresh:
    async def test_spends_the_token_for_fresh_ones(self, in_memory: IdentityInMemory) -> None:
        first = await signed_in(in_memory)
        in_memory.wait(100)

        answer = await in_memory.answer(in_memory.refresh(first, source="there"))

        [session] = in_memory.identities.sessions.values()
        claims = in_memory.claims(answer.tokens["access_token"], in_memory.now)
        fresh = token_of(answer)
        assert claims.session_id == session.session_id
        assert fresh != first
        assert fresh.startswith(session.session_id + ".")
        assert answer.tokens["refresh_expires_in"] == 30 * 24 * 3600 - 100
        assert session.version == 2
        assert [
            (each["action"], each["source"], each["session_id"]) for each in answer.audited
        ] == [("refresh", "there", session.session_id)]

    async def test_never_lengthens_the_session(self, in_memory: IdentityInMemory) -> None:
        token = await signed_in(in_memory)
        [session] = in_memory.identities.sessions.values()
        in_memory.now = session.expires_at - timedelta(seconds=1)
        last = await in_memory.answer(in_memory.refresh(token))
        in_memory.wait(1)

        answer = await in_memory.answer(in_memory.refresh(token_of(last), "re-2"))

        assert last.tokens["refresh_expires_in"] == 1
        assert answer.code == "session_ended"

    async def test_goes_on_from_token_to_token(self, in_memory: IdentityInMemory) -> None:
        token = await signed_in(in_memory)
        for n in range(5):
            answer = await in_memory.answer(in_memory.refresh(token, f"re-{n}"))
            token = token_of(answer)

        assert len(in_memory.identities.sessions) == 1


class TestARace:
    async def test_of_twenty_has_one_winner_and_ends_nothing(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = await signed_in(in_memory)
        requests = [in_memory.refresh(token, f"re-{n}") for n in range(20)]

        # Each by itself: as many workers would, none after the other.
        answers = await asyncio.gather(*(in_memory.answer(each) for each in requests))

        codes = sorted(answer.code or "accepted" for answer in answers)
        [session] = in_memory.identities.sessions.values()
        assert codes == ["accepted"] + ["token_superseded"] * 19
        assert session.is_live(in_memory.now)
        assert [each.revoked for each in answers] == [[]] * 20

    async def test_is_followed_by_the_end_when_a_loser_comes_back(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = await signed_in(in_memory)
        requests = [in_memory.refresh(token, f"re-{n}") for n in range(20)]
        answers = await asyncio.gather(*(in_memory.answer(each) for each in requests))
        [winner] = [answer for answer in answers if answer.status == "accepted"]
        in_memory.wait(10.001)

        reused = await in_memory.answer(in_memory.refresh(token, "re-late"))
        after = await in_memory.answer(in_memory.refresh(token_of(winner), "re-winner"))

        assert (reused.code, after.code) == ("token_reused", "session_ended")


class TestALostAnswer:
    async def test_is_given_again_soon(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.refresh(await signed_in(in_memory))
        first = await in_memory.answer(request)
        in_memory.wait(10)

        again = await in_memory.answer(in_memory.again(request))

        assert again.body == first.body

    async def test_later_is_expired_and_no_reuse(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.refresh(await signed_in(in_memory))
        await in_memory.answer(request)
        in_memory.wait(10.001)

        again = await in_memory.answer(in_memory.again(request))

        [session] = in_memory.identities.sessions.values()
        assert again.code == "expired"
        assert session.is_live(in_memory.now)

    async def test_is_no_reuse_even_when_it_is_forgotten(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.refresh(await signed_in(in_memory))
        await in_memory.answer(request)
        in_memory.wait(1800)
        in_memory.identities.answers.clear()

        again = await in_memory.answer(in_memory.again(request))

        [session] = in_memory.identities.sessions.values()
        assert again.code == "expired"
        assert session.is_live(in_memory.now)


class TestASpentToken:
    @pytest.mark.parametrize("renewals", [1, 2, 9])
    async def test_used_again_ends_the_session_however_old_it_is(
        self, in_memory: IdentityInMemory, renewals: int
    ) -> None:
        stolen = token = await signed_in(in_memory)
        for n in range(renewals):
            token = token_of(await in_memory.answer(in_memory.refresh(token, f"re-{n}")))
        in_memory.wait(11)

        reused = await in_memory.answer(in_memory.refresh(stolen, "re-stolen"))
        owner = await in_memory.answer(in_memory.refresh(token, "re-owner"))

        [session] = in_memory.identities.sessions.values()
        assert (reused.code, owner.code) == ("token_reused", "session_ended")
        assert session.ended_reason == "token_reused"

    async def test_used_again_says_so_to_everybody(self, in_memory: IdentityInMemory) -> None:
        stolen = await signed_in(in_memory)
        await in_memory.answer(in_memory.refresh(stolen))
        in_memory.wait(11)

        reused = await in_memory.answer(in_memory.refresh(stolen, "re-stolen", source="far away"))

        [session] = in_memory.identities.sessions.values()
        [revoked] = reused.revoked
        assert [(each["action"], each["code"]) for each in reused.audited] == [
            ("refresh", "token_reused"),
            ("token-reuse", "token_reused"),
        ]
        assert {each["source"] for each in reused.audited} == {"far away"}
        assert {each["session_id"] for each in reused.audited} == {session.session_id}
        assert revoked == {
            "session_id": session.session_id,
            "username": "alice",
            "reason": "token_reused",
            "revoked_at": "2030-01-01T12:00:11.000Z",
            "expires_at": "2030-01-01T12:05:16.000Z",
        }

    async def test_read_again_says_all_of_it_again(self, in_memory: IdentityInMemory) -> None:
        stolen = await signed_in(in_memory)
        await in_memory.answer(in_memory.refresh(stolen))
        in_memory.wait(11)
        request = in_memory.refresh(stolen, "re-stolen")
        first = await in_memory.answer(request)
        in_memory.wait(1)

        again = await in_memory.answer(request)

        assert again.said == first.said
        assert len(again.revoked) == 1


class TestAnotherToken:
    @pytest.mark.parametrize(
        "token",
        [
            "no token",
            "." + "a" * 43,
            "a" * 32 + "." + "a" * 43,
            "a" * 32 + "." + "a" * 44,
            "$where." + "a" * 43,
            "x" * 2000,
        ],
    )
    async def test_is_invalid(self, in_memory: IdentityInMemory, token: str) -> None:
        await signed_in(in_memory)

        answer = await in_memory.answer(in_memory.refresh(token))

        assert answer.code == "token_invalid"
        assert [each["code"] for each in answer.audited] == ["token_invalid"]

    async def test_made_up_for_a_session_does_not_end_it(self, in_memory: IdentityInMemory) -> None:
        session_id, _, secret = (await signed_in(in_memory)).partition(".")

        made_up = await in_memory.answer(in_memory.refresh(f"{session_id}.{secret[::-1]}"))

        [session] = in_memory.identities.sessions.values()
        assert made_up.code == "token_invalid"
        assert session.is_live(in_memory.now)

    async def test_of_another_user_is_invalid(self, in_memory: IdentityInMemory) -> None:
        in_memory.register("mallory")

        answer = await in_memory.answer(
            in_memory.refresh(await signed_in(in_memory), username="mallory")
        )

        assert answer.code == "token_invalid"

    async def test_that_is_an_access_token_is_invalid(self, in_memory: IdentityInMemory) -> None:
        answer = await in_memory.signed_in()

        refused = await in_memory.answer(in_memory.refresh(answer.tokens["access_token"]))

        assert refused.code == "token_invalid"


class TestTheStore:
    async def test_that_wrote_but_never_said_so_is_read_again(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = await signed_in(in_memory)
        in_memory.identities.lost_answers = [LostRaceError()]

        answer = await in_memory.answer(in_memory.refresh(token))

        assert answer.status == "accepted"
        assert len(answer.audited) == 1
        [session] = in_memory.identities.sessions.values()
        assert session.version == 2


class TestASessionThatWasMissed:
    async def test_by_a_logout_everywhere_is_renewed_no_more(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = await signed_in(in_memory)
        credential = in_memory.credential()
        in_memory.credentials.by_username["alice"] = replace(credential, epoch=1, version=2)

        answer = await in_memory.answer(in_memory.refresh(token))

        assert answer.code == "session_ended"

    async def test_by_nobody_is_renewed_beside_a_change_of_password(
        self, in_memory: IdentityInMemory
    ) -> None:
        own = await in_memory.signed_in()
        change = in_memory.change(
            own.tokens["access_token"], PASSWORD, "another horse, another staple"
        )

        changed, refreshed = await asyncio.gather(
            in_memory.answer(change), in_memory.answer(in_memory.refresh(token_of(own)))
        )

        assert (changed.status, refreshed.status) == ("accepted", "accepted")
