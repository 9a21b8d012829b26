"""Many identity workers over one store: whatever comes between, each request has one effect."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.identity.subjects import of_user, of_user_from
from handlers.model.input_records import RequestRecord
from tests.ports.conftest import Store
from tests.unit.sealed import PASSWORD
from tests.unit.workers.identity.identity_fakes import Answer
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    IdentityInMemory,
    identity_in_memory,
)
from workers.identity.answerer import IdentityAnswerer
from workers.identity.options import DEVICE_RULE, GUESSES_A_DAY_MAX, USER_RULE

NEW = "another horse, another staple"
ROUNDS = 5
"""Of each race, so that more than one order is tried."""


class Workers:
    """Answers each request with a worker of its own, all at once."""

    def __init__(self, in_memory: IdentityInMemory, store: Store) -> None:
        self.in_memory = in_memory
        self._dependencies = replace(
            in_memory.dependencies(), identities=store.identities, throttles=store.throttles
        )

    async def answer(self, *asked: RequestRecord) -> list[Answer]:
        return await asyncio.gather(*(self._answer(each) for each in asked))

    async def _answer(self, asked: RequestRecord) -> Answer:
        [said] = await IdentityAnswerer(self._dependencies, batch_records_max=1).answer([asked])
        return Answer(said, self.in_memory.key)


@pytest.fixture
async def workers(store: Store, tmp_path: Path) -> AsyncIterator[Workers]:
    with identity_in_memory(tmp_path) as in_memory:
        await store.credentials.insert([in_memory.credential()])
        yield Workers(in_memory, store)


async def test_of_twenty_refreshes_one_wins(workers: Workers, store: Store) -> None:
    in_memory = workers.in_memory
    [signed_in] = await workers.answer(in_memory.login())
    token = signed_in.tokens["refresh_token"]

    answers = await workers.answer(*(in_memory.refresh(token, f"re-{n}") for n in range(20)))

    session = await store.identities.session(signed_in.body["session_id"])
    codes = sorted(answer.code or "accepted" for answer in answers)
    assert codes == ["accepted"] + ["token_superseded"] * 19
    assert session is not None
    assert session.is_live(in_memory.now)
    in_memory.wait(11)
    [reused] = await workers.answer(in_memory.refresh(token, "re-late"))
    assert (reused.code, len(reused.revoked)) == ("token_reused", 1)


async def test_of_twenty_guesses_one_is_hashed(workers: Workers) -> None:
    in_memory = workers.in_memory

    answers = await workers.answer(*(in_memory.login(f"{WRONG} {n}", f"in-{n}") for n in range(20)))

    codes = sorted(answer.code or "" for answer in answers)
    assert codes == ["invalid_credentials"] + ["too_many_attempts"] * 19
    assert len(in_memory.hasher.verified) == 1


async def test_of_many_strangers_at_once_no_more_try_than_a_day_allows(
    workers: Workers, store: Store
) -> None:
    in_memory, throttles = workers.in_memory, store.throttles
    [own] = await workers.answer(in_memory.login())
    for _ in range(GUESSES_A_DAY_MAX - 3):
        await throttles.count(of_user("alice"), rule=USER_RULE, now=in_memory.now)
    addresses = [f"203.0.113.{n}" for n in range(20)]
    guesses = [in_memory.login(WRONG, f"in-{each}", source=each) for each in addresses]
    known = in_memory.login(request_id="known", device_token=own.tokens["device_token"])

    *strangers, user = await workers.answer(*guesses, known)

    codes = sorted(answer.code or "" for answer in strangers)
    assert codes == ["invalid_credentials"] * 3 + ["too_many_attempts"] * 17
    assert user.status == "accepted"
    assert len(in_memory.hasher.verified) == 1 + 3 + 1
    rules = {of_user_from("alice", each): DEVICE_RULE for each in addresses}
    seen = await throttles.look(rules, now=in_memory.now)
    assert sum(not each.allowed for each in seen.values()) == 3, "nobody else is counted"


async def test_one_request_read_by_many_is_answered_once(workers: Workers, store: Store) -> None:
    in_memory = workers.in_memory
    [signed_in] = await workers.answer(in_memory.login())
    request = in_memory.refresh(signed_in.tokens["refresh_token"])

    first, *others = await workers.answer(*[request] * 5)

    session = await store.identities.session(signed_in.body["session_id"])
    assert first.status == "accepted"
    assert [each.said for each in others] == [first.said] * 4
    assert session is not None
    assert session.version == 2


async def test_no_session_outlives_a_logout_everywhere(workers: Workers, store: Store) -> None:
    in_memory = workers.in_memory
    for n in range(ROUNDS):
        [own] = await workers.answer(in_memory.login(request_id=f"own-{n}"))
        token = own.tokens["access_token"]

        login, logout = await workers.answer(
            in_memory.login(request_id=f"in-{n}"),
            in_memory.logout(token, f"out-{n}", everywhere=True),
        )

        credential = await store.identities.credential("alice")
        live = await store.identities.live_sessions("alice", now=in_memory.now)
        assert (login.status, logout.status) == ("accepted", "accepted")
        assert credential is not None
        assert {each.epoch for each in live} <= {credential.epoch}
        assert logout.body["sessions_ended"] + len(live) == 2
        await workers.answer(in_memory.logout(login.tokens["access_token"], f"end-{n}"))


async def test_a_change_beside_refreshes_ends_all_others(workers: Workers, store: Store) -> None:
    in_memory = workers.in_memory
    old, new = PASSWORD, NEW
    for n in range(ROUNDS):
        [own] = await workers.answer(in_memory.login(old, f"own-{n}"))
        [other] = await workers.answer(in_memory.login(old, f"other-{n}"))

        change, _, refreshed = await workers.answer(
            in_memory.change(own.tokens["access_token"], old, new, f"ch-{n}"),
            in_memory.refresh(other.tokens["refresh_token"], f"re-o{n}"),
            in_memory.refresh(own.tokens["refresh_token"], f"re-{n}"),
        )

        live = await store.identities.live_sessions("alice", now=in_memory.now)
        assert (change.status, refreshed.status) == ("accepted", "accepted")
        assert [each.session_id for each in live] == [own.body["session_id"]]
        assert [each.epoch for each in live] == [n + 1]
        [ended] = await workers.answer(
            in_memory.refresh(other.tokens["refresh_token"], f"late-{n}")
        )
        [out] = await workers.answer(in_memory.logout(refreshed.tokens["access_token"], f"out-{n}"))
        assert (ended.code, out.body["sessions_ended"]) == ("session_ended", 1)
        old, new = new, old
