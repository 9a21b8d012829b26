"""A batch of identity requests: users side by side, one's in order, each honoured once."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.events import AuditRecorded
from contracts.replies import Reply
from contracts.sessions import SessionRevoked
from handlers.model.input_records import RequestRecord
from storage.ports.errors import CommitUnknownError, LostRaceError, StoreUnavailableError
from tests.unit.sealed import CANARY, PASSWORD
from tests.unit.workers.identity.identity_in_memory import (
    Answer,
    IdentityInMemory,
)
from workers.identity.building import SESSIONS_BATCH_MAX, identity_answerers
from workers.identity.idempotent_execution import TRIES_MAX


class TestABatch:
    async def test_is_as_large_as_the_threads_can_hash(self, in_memory: IdentityInMemory) -> None:
        sign_ins, sessions = identity_answerers(in_memory.dependencies())

        assert sign_ins.batch_records_max == 8 * in_memory.hasher.pool.size
        assert sessions.batch_records_max == SESSIONS_BATCH_MAX

    async def test_may_be_empty(self, in_memory: IdentityInMemory) -> None:
        assert await in_memory.answers([]) == []

    async def test_is_answered_in_its_order(self, in_memory: IdentityInMemory) -> None:
        for username in ("bob", "carol"):
            in_memory.register(username)
        names = ["carol", "alice", "bob", "carol", "alice"]
        batch = [in_memory.login(request_id=f"in-{n}", username=u) for n, u in enumerate(names)]

        answers = await in_memory.answers(batch)

        assert [answer.said.asked for answer in answers] == batch
        assert [answer.body["username"] for answer in answers] == names

    async def test_takes_one_users_requests_one_after_the_other(
        self, in_memory: IdentityInMemory
    ) -> None:
        request = in_memory.login()

        first, second = await in_memory.answers([request, in_memory.again(request)])

        assert second.body == first.body
        assert second.said.beside == ()
        assert len(in_memory.hasher.verified) == 1

    async def test_takes_users_side_by_side(self, in_memory: IdentityInMemory) -> None:
        in_memory.register("bob")
        meeting = asyncio.Barrier(2)
        read = in_memory.identities.credential

        async def meet(username: str) -> object:
            async with asyncio.timeout(10):
                await meeting.wait()
            return await read(username)

        in_memory.identities.credential = meet  # pyright: ignore[reportAttributeAccessIssue]
        answers = await in_memory.answers([in_memory.login(), in_memory.login(username="bob")])

        assert [answer.status for answer in answers] == ["accepted", "accepted"]


class TestAStoreThatIsAway:
    async def test_fails_the_batch_and_repeats_no_step_of_the_others(
        self, in_memory: IdentityInMemory
    ) -> None:
        in_memory.register("bob")
        batch = [in_memory.login(username="bob"), in_memory.login()]
        in_memory.identities.away_for = {"alice"}
        with pytest.raises(StoreUnavailableError):
            await in_memory.answers(batch)
        in_memory.identities.away_for = set()
        in_memory.wait(100)

        bobs, alices = await in_memory.answers(batch)

        assert (bobs.status, alices.status) == ("accepted", "accepted")
        assert len(bobs.audited) == 1
        assert len(in_memory.identities.sessions) == 2
        assert len(in_memory.hasher.verified) == 2
        assert in_memory.failures == {}

    async def test_between_count_and_answer_costs_no_other_count(
        self, in_memory: IdentityInMemory
    ) -> None:
        request = in_memory.login("wrong, and interrupted")
        in_memory.identities.failures = [StoreUnavailableError("away")]
        with pytest.raises(StoreUnavailableError):
            await in_memory.answer(request)

        answer = await in_memory.answer(request)

        assert answer.code == "invalid_credentials"
        assert in_memory.failures["user:alice"] == 1

    async def test_outweighs_a_bug(self, in_memory: IdentityInMemory) -> None:
        in_memory.register("bob")
        in_memory.identities.away_for = {"alice"}
        in_memory.credentials.by_username["bob"] = "no credential"  # pyright: ignore[reportArgumentType]

        with pytest.raises(StoreUnavailableError):
            await in_memory.answers([in_memory.login(username="bob"), in_memory.login()])


class TestABugOfOurs:
    async def test_is_raised_after_the_others_were_answered(
        self, in_memory: IdentityInMemory
    ) -> None:
        in_memory.register("bob")
        in_memory.credentials.by_username["bob"] = "no credential"  # pyright: ignore[reportArgumentType]

        with pytest.raises(AttributeError):
            await in_memory.answers([in_memory.login(username="bob"), in_memory.login()])

        assert list(in_memory.identities.answers) == ["alice:in-1"]


class TestALostRace:
    @pytest.mark.parametrize("error", [LostRaceError, CommitUnknownError])
    async def test_is_decided_again(
        self, in_memory: IdentityInMemory, error: type[Exception]
    ) -> None:
        in_memory.identities.failures = [error(), error()]

        answer = await in_memory.answer(in_memory.login())

        assert answer.status == "accepted"
        assert len(in_memory.hasher.verified) == 1
        assert len(in_memory.identities.sessions) == 1

    async def test_that_another_worker_won_is_answered_with_its_answer(
        self, in_memory: IdentityInMemory
    ) -> None:
        signed_in = await in_memory.signed_in()
        request = in_memory.refresh(signed_in.tokens["refresh_token"])

        first, second = await asyncio.gather(in_memory.answer(request), in_memory.answer(request))

        [session] = in_memory.identities.sessions.values()
        assert first.status == "accepted"
        assert first.said == second.said
        assert session.version == 2

    async def test_again_and_again_is_left_for_later(self, in_memory: IdentityInMemory) -> None:
        in_memory.identities.failures = [LostRaceError() for _ in range(TRIES_MAX)]

        with pytest.raises(StoreUnavailableError):
            await in_memory.answer(in_memory.login())

        assert in_memory.identities.failures == []


async def everything(in_memory: IdentityInMemory, secret: str) -> list[Answer]:
    """Return the answers to all kinds of requests, in which every sealed thing is a secret."""
    told: list[Answer] = []

    async def tell(asked: RequestRecord) -> dict[str, str]:
        told.append(await in_memory.answer(asked))
        in_memory.wait(11)
        return told[-1].tokens if "sealed_tokens" in told[-1].body else {}

    in_memory.register(password=secret)
    first = await tell(in_memory.login(secret, "in-1", source="here"))
    await tell(in_memory.login(f"{secret} wrong", "in-2"))
    await tell(in_memory.login(f"{secret} wrong", "in-3", username="nobody"))
    await tell(in_memory.refresh(f"{secret}.{secret}", "re-1"))
    await tell(in_memory.logout(secret, "out-1"))
    await tell(in_memory.change(first["access_token"], f"{secret} wrong", secret, "ch-1"))
    await tell(in_memory.refresh(first["refresh_token"], "re-2"))
    await tell(in_memory.refresh(first["refresh_token"], "re-3"))
    second = await tell(in_memory.login(secret, "in-4"))
    await tell(in_memory.change(second["access_token"], secret, "seven77", "ch-2"))
    await tell(in_memory.change(second["access_token"], secret, f"{secret} new", "ch-3"))
    await tell(in_memory.logout(second["access_token"], "out-2", everywhere=True))
    return told


class TestWhatIsSaid:
    async def test_is_what_the_contract_says(self, in_memory: IdentityInMemory) -> None:
        told = await everything(in_memory, PASSWORD)

        for answer in told:
            Reply.model_validate_json(answer.said.reply.value)
            for each in answer.said.beside:
                model = AuditRecorded if each.topic.endswith("audit") else SessionRevoked
                model.model_validate_json(each.value)
        assert [answer.code for answer in told] == [
            None,
            "invalid_credentials",
            "invalid_credentials",
            "token_invalid",
            "token_invalid",
            "invalid_credentials",
            None,
            "token_reused",
            None,
            "password_too_short",
            None,
            None,
        ]
        assert {len(answer.audited) for answer in told} == {1, 2}

    async def test_never_shows_a_secret(
        self, in_memory: IdentityInMemory, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        told = await everything(in_memory, CANARY)

        written = [repr(answer.said) for answer in told]
        stored = [repr(in_memory.identities.answers), repr(in_memory.identities.sessions)]
        text = "".join([*written, *stored, repr(in_memory.credentials.by_username), caplog.text])
        tokens = told[0].tokens
        assert CANARY not in text
        assert tokens["access_token"] not in text
        assert tokens["refresh_token"].partition(".")[2] not in text


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("access_token", "kept"),
        [
            (timedelta(minutes=5), timedelta(minutes=65)),
            (timedelta(seconds=3595), timedelta(minutes=65)),
            (timedelta(seconds=3596), timedelta(minutes=65, seconds=1)),
            (timedelta(days=1), timedelta(days=1, minutes=5, seconds=5)),
        ],
    )
    async def test_is_kept_while_tokens_live_that_it_revoked(
        self, in_memory: IdentityInMemory, access_token: timedelta, kept: timedelta
    ) -> None:
        options = replace(in_memory.dependencies().options, access_token=access_token)
        sign_ins, _ = identity_answerers(replace(in_memory.dependencies(), options=options))

        await sign_ins.answer([in_memory.login()])

        [answered] = in_memory.identities.answers.values()
        assert answered.expires_at - answered.answered_at == kept
