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
    async def test_is_as_large_as_the_threads_can_hash(self, bench: IdentityInMemory) -> None:
        sign_ins, sessions = identity_answerers(bench.dependencies())

        assert sign_ins.batch_records_max == 8 * bench.hasher.pool.size
        assert sessions.batch_records_max == SESSIONS_BATCH_MAX

    async def test_may_be_empty(self, bench: IdentityInMemory) -> None:
        assert await bench.answers([]) == []

    async def test_is_answered_in_its_order(self, bench: IdentityInMemory) -> None:
        for username in ("bob", "carol"):
            bench.register(username)
        names = ["carol", "alice", "bob", "carol", "alice"]
        batch = [bench.login(request_id=f"in-{n}", username=u) for n, u in enumerate(names)]

        answers = await bench.answers(batch)

        assert [answer.said.asked for answer in answers] == batch
        assert [answer.body["username"] for answer in answers] == names

    async def test_takes_one_users_requests_one_after_the_other(
        self, bench: IdentityInMemory
    ) -> None:
        request = bench.login()

        first, second = await bench.answers([request, bench.again(request)])

        assert second.body == first.body
        assert second.said.beside == ()
        assert len(bench.hasher.verified) == 1

    async def test_takes_users_side_by_side(self, bench: IdentityInMemory) -> None:
        bench.register("bob")
        meeting = asyncio.Barrier(2)
        read = bench.identities.credential

        async def meet(username: str) -> object:
            async with asyncio.timeout(10):
                await meeting.wait()
            return await read(username)

        bench.identities.credential = meet  # pyright: ignore[reportAttributeAccessIssue]
        answers = await bench.answers([bench.login(), bench.login(username="bob")])

        assert [answer.status for answer in answers] == ["accepted", "accepted"]


class TestAStoreThatIsAway:
    async def test_fails_the_batch_and_repeats_no_step_of_the_others(
        self, bench: IdentityInMemory
    ) -> None:
        bench.register("bob")
        batch = [bench.login(username="bob"), bench.login()]
        bench.identities.away_for = {"alice"}
        with pytest.raises(StoreUnavailableError):
            await bench.answers(batch)
        bench.identities.away_for = set()
        bench.wait(100)

        bobs, alices = await bench.answers(batch)

        assert (bobs.status, alices.status) == ("accepted", "accepted")
        assert len(bobs.audited) == 1
        assert len(bench.identities.sessions) == 2
        assert len(bench.hasher.verified) == 2
        assert bench.failures == {}

    async def test_between_count_and_answer_costs_no_other_count(
        self, bench: IdentityInMemory
    ) -> None:
        request = bench.login("wrong, and interrupted")
        bench.identities.failures = [StoreUnavailableError("away")]
        with pytest.raises(StoreUnavailableError):
            await bench.answer(request)

        answer = await bench.answer(request)

        assert answer.code == "invalid_credentials"
        assert bench.failures["user:alice"] == 1

    async def test_outweighs_a_bug(self, bench: IdentityInMemory) -> None:
        bench.register("bob")
        bench.identities.away_for = {"alice"}
        bench.credentials.by_username["bob"] = "no credential"  # pyright: ignore[reportArgumentType]

        with pytest.raises(StoreUnavailableError):
            await bench.answers([bench.login(username="bob"), bench.login()])


class TestABugOfOurs:
    async def test_is_raised_after_the_others_were_answered(self, bench: IdentityInMemory) -> None:
        bench.register("bob")
        bench.credentials.by_username["bob"] = "no credential"  # pyright: ignore[reportArgumentType]

        with pytest.raises(AttributeError):
            await bench.answers([bench.login(username="bob"), bench.login()])

        assert list(bench.identities.answers) == ["alice:in-1"]


class TestALostRace:
    @pytest.mark.parametrize("error", [LostRaceError, CommitUnknownError])
    async def test_is_decided_again(self, bench: IdentityInMemory, error: type[Exception]) -> None:
        bench.identities.failures = [error(), error()]

        answer = await bench.answer(bench.login())

        assert answer.status == "accepted"
        assert len(bench.hasher.verified) == 1
        assert len(bench.identities.sessions) == 1

    async def test_that_another_worker_won_is_answered_with_its_answer(
        self, bench: IdentityInMemory
    ) -> None:
        signed_in = await bench.signed_in()
        request = bench.refresh(signed_in.tokens["refresh_token"])

        first, second = await asyncio.gather(bench.answer(request), bench.answer(request))

        [session] = bench.identities.sessions.values()
        assert first.status == "accepted"
        assert first.said == second.said
        assert session.version == 2

    async def test_again_and_again_is_left_for_later(self, bench: IdentityInMemory) -> None:
        bench.identities.failures = [LostRaceError() for _ in range(TRIES_MAX)]

        with pytest.raises(StoreUnavailableError):
            await bench.answer(bench.login())

        assert bench.identities.failures == []


async def everything(bench: IdentityInMemory, secret: str) -> list[Answer]:
    """Return the answers to all kinds of requests, in which every sealed thing is a secret."""
    told: list[Answer] = []

    async def tell(asked: RequestRecord) -> dict[str, str]:
        told.append(await bench.answer(asked))
        bench.wait(11)
        return told[-1].tokens if "sealed_tokens" in told[-1].body else {}

    bench.register(password=secret)
    first = await tell(bench.login(secret, "in-1", source="here"))
    await tell(bench.login(f"{secret} wrong", "in-2"))
    await tell(bench.login(f"{secret} wrong", "in-3", username="nobody"))
    await tell(bench.refresh(f"{secret}.{secret}", "re-1"))
    await tell(bench.logout(secret, "out-1"))
    await tell(bench.change(first["access_token"], f"{secret} wrong", secret, "ch-1"))
    await tell(bench.refresh(first["refresh_token"], "re-2"))
    await tell(bench.refresh(first["refresh_token"], "re-3"))
    second = await tell(bench.login(secret, "in-4"))
    await tell(bench.change(second["access_token"], secret, "seven77", "ch-2"))
    await tell(bench.change(second["access_token"], secret, f"{secret} new", "ch-3"))
    await tell(bench.logout(second["access_token"], "out-2", everywhere=True))
    return told


class TestWhatIsSaid:
    async def test_is_what_the_contract_says(self, bench: IdentityInMemory) -> None:
        told = await everything(bench, PASSWORD)

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
        self, bench: IdentityInMemory, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        told = await everything(bench, CANARY)

        written = [repr(answer.said) for answer in told]
        stored = [repr(bench.identities.answers), repr(bench.identities.sessions)]
        text = "".join([*written, *stored, repr(bench.credentials.by_username), caplog.text])
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
        self, bench: IdentityInMemory, access_token: timedelta, kept: timedelta
    ) -> None:
        options = replace(bench.dependencies().options, access_token=access_token)
        sign_ins, _ = identity_answerers(replace(bench.dependencies(), options=options))

        await sign_ins.answer([bench.login()])

        [answered] = bench.identities.answers.values()
        assert answered.expires_at - answered.answered_at == kept
