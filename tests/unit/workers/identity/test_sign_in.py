"""Login: a password for a session, counted before it is hashed, and the same for nobody."""

from datetime import timedelta

import pytest
from msgspec.structs import replace as changed

from handlers.identity.sessions import SESSIONS_MAX
from handlers.identity.subjects import of_user, of_user_from
from handlers.identity.throttling import Count
from tests.unit.sealed import NOON, PASSWORD
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    IdentityInMemory,
)
from workers.credentials.hashing import HashingPolicy


class TestTheRightPassword:
    async def test_opens_a_session_and_brings_its_tokens(self, in_memory: IdentityInMemory) -> None:
        answer = await in_memory.answer(in_memory.login(source="198.51.100.7"))

        [session] = in_memory.identities.sessions.values()
        claims = in_memory.claims(answer.tokens["access_token"], in_memory.now)
        assert answer.body["session_id"] == session.session_id == claims.session_id
        assert (session.username, session.source, session.epoch) == ("alice", "198.51.100.7", 0)
        assert session.expires_at == NOON + timedelta(days=30)
        assert claims.username == "alice"
        assert answer.tokens["refresh_token"].startswith(f"{session.session_id}.")
        assert len(answer.tokens["refresh_token"]) == 32 + 1 + 43
        assert answer.tokens["expires_in"] == 300
        assert answer.tokens["refresh_expires_in"] == 30 * 24 * 3600

    async def test_is_audited_with_who_where_and_which_session(
        self, in_memory: IdentityInMemory
    ) -> None:
        answer = await in_memory.answer(in_memory.login(source="198.51.100.7"))

        [event] = answer.audited
        assert event == {
            "event_id": "alice:in-1:audit:login",
            "username": "alice",
            "action": "login",
            "outcome": "accepted",
            "command_id": "in-1",
            "occurred_at": "2030-01-01T12:00:00.000Z",
            "actor": "gateway",
            "source": "198.51.100.7",
            "session_id": answer.body["session_id"],
        }

    async def test_forgives_the_wrong_ones_before_it(self, in_memory: IdentityInMemory) -> None:
        await in_memory.answer(in_memory.login(WRONG, "in-1", source="here"))
        in_memory.wait(1)
        await in_memory.answer(in_memory.login(PASSWORD, "in-2", source="here"))

        assert in_memory.failures == {"source:here": 1, "user:alice": 1}

    async def test_is_taken_however_it_was_typed(self, in_memory: IdentityInMemory) -> None:
        in_memory.register(password="Caf\u00e9-1fi-more")

        answer = await in_memory.answer(in_memory.login("Cafe\u0301-\uff11\ufb01-more"))

        assert answer.status == "accepted"

    @pytest.mark.parametrize(
        "password", ["nul\0inside", "x" * 72, "x" * 73, "\u20ac" * 24 + "y", "\U0001f600" * 256]
    )
    async def test_may_be_anything(self, in_memory: IdentityInMemory, password: str) -> None:
        in_memory.register(password=password)

        right = await in_memory.answer(in_memory.login(password, "in-1"))
        wrong = await in_memory.answer(in_memory.login(password[:-1] + "z", "in-2"))

        assert (right.status, wrong.code) == ("accepted", "invalid_credentials")


class TestAnOlderHash:
    async def test_is_made_anew_at_login(self, in_memory: IdentityInMemory) -> None:
        before = in_memory.credential()
        in_memory.restart(HashingPolicy(bcrypt_rounds=5))

        first = await in_memory.answer(in_memory.login(request_id="in-1"))
        second = await in_memory.answer(in_memory.login(request_id="in-2"))

        after = in_memory.credential()
        assert (first.status, second.status) == ("accepted", "accepted")
        assert ",r=4$" in before.hash
        assert ",r=5$" in after.hash
        assert (after.version, after.epoch) == (before.version + 1, before.epoch)
        assert in_memory.hasher.hashes == 1

    async def test_is_made_of_the_form_that_counts(self, in_memory: IdentityInMemory) -> None:
        in_memory.register(password="Caf\u00e9-1fi-more")
        in_memory.restart(HashingPolicy(bcrypt_rounds=5))

        await in_memory.answer(in_memory.login("Cafe\u0301-\uff11\ufb01-more", "in-1"))
        answer = await in_memory.answer(in_memory.login("Caf\u00e9-1fi-more", "in-2"))

        assert ",r=5$" in in_memory.credential().hash
        assert answer.status == "accepted"

    async def test_is_left_alone_after_a_wrong_guess(self, in_memory: IdentityInMemory) -> None:
        before = in_memory.credential()
        in_memory.restart(HashingPolicy(bcrypt_rounds=5))

        await in_memory.answer(in_memory.login(WRONG))

        assert in_memory.credential() == before


class TestAnUnknownUser:
    async def test_gets_the_same_bytes_but_for_ids(self, in_memory: IdentityInMemory) -> None:
        known = await in_memory.answer(in_memory.login(WRONG, "in-1", username="alice"))
        unknown = await in_memory.answer(in_memory.login(WRONG, "in-1", username="nobod"))

        assert known.code == "invalid_credentials"
        assert unknown.said.reply.value == known.said.reply.value.replace(b"alice", b"nobod")
        assert unknown.said.code == known.said.code

    async def test_costs_the_same_work(self, in_memory: IdentityInMemory) -> None:
        await in_memory.hasher.warm_up()
        known = await in_memory.answer(in_memory.login(WRONG, username="alice"))
        of_alice = in_memory.identities.applied[-1]
        unknown = await in_memory.answer(in_memory.login(WRONG, username="nobod"))

        of_nobody = in_memory.identities.applied[-1]
        assert in_memory.hasher.verified == [in_memory.credential().hash, None]
        assert len(known.audited) == len(unknown.audited) == 1
        assert len(of_nobody.answered.body) == len(of_alice.answered.body)
        of_both = [
            [
                changed(in_memory.throttles.counts[subject], counted_for=None)
                for subject in (of_user(name), of_user_from(name, None))
            ]
            for name in ("alice", "nobod")
        ]
        assert of_both[0] == of_both[1]

    async def test_has_to_wait_like_anybody(self, in_memory: IdentityInMemory) -> None:
        for username in ("alice", "nobod"):
            await in_memory.answer(in_memory.login(WRONG, "in-1", username=username))
        known = await in_memory.answer(in_memory.login(WRONG, "in-2", username="alice"))
        unknown = await in_memory.answer(in_memory.login(WRONG, "in-2", username="nobod"))

        assert known.code == "too_many_attempts"
        assert unknown.said.reply.value == known.said.reply.value.replace(b"alice", b"nobod")

    async def test_never_gets_in_with_what_the_dummy_is_of(
        self, in_memory: IdentityInMemory
    ) -> None:
        answer = await in_memory.answer(in_memory.login(PASSWORD, username="nobody"))

        assert answer.code == "invalid_credentials"
        assert in_memory.identities.sessions == {}


class TestGuessing:
    async def test_in_parallel_is_hashed_once(self, in_memory: IdentityInMemory) -> None:
        guesses = [in_memory.login(f"{WRONG} {n}", f"in-{n}") for n in range(20)]

        answers = await in_memory.answers(guesses)

        codes = [answer.code for answer in answers]
        assert codes == ["invalid_credentials"] + ["too_many_attempts"] * 19
        assert len(in_memory.hasher.verified) == 1
        assert {answer.body.get("retry_after_s") for answer in answers[1:]} == {1}

    async def test_from_two_workers_is_counted_before_either_hashes(
        self, in_memory: IdentityInMemory
    ) -> None:
        in_memory.identities.away_for = {"nobody"}  # a batch that fails beside it changes nothing

        first = await in_memory.answer(in_memory.login(WRONG, "in-1"))
        in_memory.restart()
        second = await in_memory.answer(in_memory.login(PASSWORD, "in-2"))

        assert (first.code, second.code) == ("invalid_credentials", "too_many_attempts")
        assert in_memory.hasher.verified == []

    async def test_waits_twice_as_long_each_time(self, in_memory: IdentityInMemory) -> None:
        waits: list[int] = []
        for n in range(12):
            await in_memory.answer(in_memory.login(WRONG, f"in-{n}"))
            refused = await in_memory.answer(in_memory.login(WRONG, f"again-{n}"))
            waits.append(refused.body["retry_after_s"])
            in_memory.wait(waits[-1])

        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]

    async def test_of_many_users_from_one_source_is_slowed_down(
        self, in_memory: IdentityInMemory
    ) -> None:
        in_memory.throttles.counts["source:here"] = Count(failures=100, since=in_memory.now)

        first = await in_memory.answer(in_memory.login(WRONG, username="user-1", source="here"))
        second = await in_memory.answer(in_memory.login(PASSWORD, username="alice", source="here"))
        elsewhere = await in_memory.answer(in_memory.login(PASSWORD, "in-2", source="there"))

        assert (first.code, second.code) == ("invalid_credentials", "too_many_attempts")
        assert elsewhere.status == "accepted"
        assert in_memory.counted("guesses_refused_total", reason="source") == 1
        assert not in_memory.throttles.counts[of_user("alice")].failures

    async def test_with_a_password_nobody_has_costs_a_hash_too(
        self, in_memory: IdentityInMemory
    ) -> None:
        answer = await in_memory.answer(
            in_memory.login("\ufdfa" * 900)
        )  # 16,200 characters in NFKC

        assert answer.code == "invalid_credentials"
        assert len(in_memory.hasher.verified) == 1


class TestALoginTooMany:
    async def test_ends_the_oldest_session(self, in_memory: IdentityInMemory) -> None:
        opened: list[str] = []
        for n in range(SESSIONS_MAX):
            opened.append((await in_memory.signed_in(f"in-{n}")).body["session_id"])
            in_memory.wait(1)

        answer = await in_memory.answer(in_memory.login(request_id="in-last"))

        ended = in_memory.identities.sessions[opened[0]]
        live = await in_memory.identities.live_sessions("alice", now=in_memory.now)
        assert (ended.ended_at, ended.ended_reason) == (in_memory.now, "logout")
        assert {each.session_id for each in live} == {*opened[1:], answer.body["session_id"]}
        assert [each["session_id"] for each in answer.revoked] == opened[:1]
        assert [(each["action"], each["session_id"]) for each in answer.audited] == [
            ("login", answer.body["session_id"])
        ]

    async def test_says_so_again_when_it_is_read_again(self, in_memory: IdentityInMemory) -> None:
        for n in range(SESSIONS_MAX):
            await in_memory.signed_in(f"in-{n}")
        request = in_memory.login(request_id="in-last")

        first, again = await in_memory.answer(request), await in_memory.answer(request)

        assert len(first.revoked) == 1
        assert again.said == first.said

    async def test_is_decided_again_when_the_oldest_is_renewed_meanwhile(
        self, in_memory: IdentityInMemory
    ) -> None:
        first = await in_memory.signed_in("in-first")
        in_memory.wait(1)
        for n in range(SESSIONS_MAX - 1):
            await in_memory.signed_in(f"in-{n}")
        oldest = first.body["session_id"]
        stored = in_memory.identities.sessions[oldest]

        def renew() -> None:
            in_memory.identities.sessions[oldest] = changed(stored, version=2)

        in_memory.identities.between = renew
        answer = await in_memory.answer(in_memory.login(request_id="in-last"))

        assert [each["session_id"] for each in answer.revoked] == [oldest]
        assert in_memory.identities.sessions[oldest].version == 3
