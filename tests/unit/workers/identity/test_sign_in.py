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
    async def test_opens_a_session_and_brings_its_tokens(self, bench: IdentityInMemory) -> None:
        answer = await bench.answer(bench.login(source="198.51.100.7"))

        [session] = bench.identities.sessions.values()
        claims = bench.claims(answer.tokens["access_token"], bench.now)
        assert answer.body["session_id"] == session.session_id == claims.session_id
        assert (session.username, session.source, session.epoch) == ("alice", "198.51.100.7", 0)
        assert session.expires_at == NOON + timedelta(days=30)
        assert claims.username == "alice"
        assert answer.tokens["refresh_token"].startswith(f"{session.session_id}.")
        assert len(answer.tokens["refresh_token"]) == 32 + 1 + 43
        assert answer.tokens["expires_in"] == 300
        assert answer.tokens["refresh_expires_in"] == 30 * 24 * 3600

    async def test_is_audited_with_who_where_and_which_session(
        self, bench: IdentityInMemory
    ) -> None:
        answer = await bench.answer(bench.login(source="198.51.100.7"))

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

    async def test_forgives_the_wrong_ones_before_it(self, bench: IdentityInMemory) -> None:
        await bench.answer(bench.login(WRONG, "in-1", source="here"))
        bench.wait(1)
        await bench.answer(bench.login(PASSWORD, "in-2", source="here"))

        assert bench.failures == {"source:here": 1, "user:alice": 1}

    async def test_is_taken_however_it_was_typed(self, bench: IdentityInMemory) -> None:
        bench.register(password="Caf\u00e9-1fi-more")

        answer = await bench.answer(bench.login("Cafe\u0301-\uff11\ufb01-more"))

        assert answer.status == "accepted"

    @pytest.mark.parametrize(
        "password", ["nul\0inside", "x" * 72, "x" * 73, "\u20ac" * 24 + "y", "\U0001f600" * 256]
    )
    async def test_may_be_anything(self, bench: IdentityInMemory, password: str) -> None:
        bench.register(password=password)

        right = await bench.answer(bench.login(password, "in-1"))
        wrong = await bench.answer(bench.login(password[:-1] + "z", "in-2"))

        assert (right.status, wrong.code) == ("accepted", "invalid_credentials")


class TestAnOlderHash:
    async def test_is_made_anew_at_login(self, bench: IdentityInMemory) -> None:
        before = bench.credential()
        bench.restart(HashingPolicy(bcrypt_rounds=5))

        first = await bench.answer(bench.login(request_id="in-1"))
        second = await bench.answer(bench.login(request_id="in-2"))

        after = bench.credential()
        assert (first.status, second.status) == ("accepted", "accepted")
        assert ",r=4$" in before.hash
        assert ",r=5$" in after.hash
        assert (after.version, after.epoch) == (before.version + 1, before.epoch)
        assert bench.hasher.hashes == 1

    async def test_is_made_of_the_form_that_counts(self, bench: IdentityInMemory) -> None:
        bench.register(password="Caf\u00e9-1fi-more")
        bench.restart(HashingPolicy(bcrypt_rounds=5))

        await bench.answer(bench.login("Cafe\u0301-\uff11\ufb01-more", "in-1"))
        answer = await bench.answer(bench.login("Caf\u00e9-1fi-more", "in-2"))

        assert ",r=5$" in bench.credential().hash
        assert answer.status == "accepted"

    async def test_is_left_alone_after_a_wrong_guess(self, bench: IdentityInMemory) -> None:
        before = bench.credential()
        bench.restart(HashingPolicy(bcrypt_rounds=5))

        await bench.answer(bench.login(WRONG))

        assert bench.credential() == before


class TestAnUnknownUser:
    async def test_gets_the_same_bytes_but_for_ids(self, bench: IdentityInMemory) -> None:
        known = await bench.answer(bench.login(WRONG, "in-1", username="alice"))
        unknown = await bench.answer(bench.login(WRONG, "in-1", username="nobod"))

        assert known.code == "invalid_credentials"
        assert unknown.said.reply.value == known.said.reply.value.replace(b"alice", b"nobod")
        assert unknown.said.code == known.said.code

    async def test_costs_the_same_work(self, bench: IdentityInMemory) -> None:
        await bench.hasher.warm_up()
        known = await bench.answer(bench.login(WRONG, username="alice"))
        of_alice = bench.identities.applied[-1]
        unknown = await bench.answer(bench.login(WRONG, username="nobod"))

        of_nobody = bench.identities.applied[-1]
        assert bench.hasher.verified == [bench.credential().hash, None]
        assert len(known.audited) == len(unknown.audited) == 1
        assert len(of_nobody.answered.body) == len(of_alice.answered.body)
        of_both = [
            [
                changed(bench.throttles.counts[subject], counted_for=None)
                for subject in (of_user(name), of_user_from(name, None))
            ]
            for name in ("alice", "nobod")
        ]
        assert of_both[0] == of_both[1]

    async def test_has_to_wait_like_anybody(self, bench: IdentityInMemory) -> None:
        for username in ("alice", "nobod"):
            await bench.answer(bench.login(WRONG, "in-1", username=username))
        known = await bench.answer(bench.login(WRONG, "in-2", username="alice"))
        unknown = await bench.answer(bench.login(WRONG, "in-2", username="nobod"))

        assert known.code == "too_many_attempts"
        assert unknown.said.reply.value == known.said.reply.value.replace(b"alice", b"nobod")

    async def test_never_gets_in_with_what_the_dummy_is_of(self, bench: IdentityInMemory) -> None:
        answer = await bench.answer(bench.login(PASSWORD, username="nobody"))

        assert answer.code == "invalid_credentials"
        assert bench.identities.sessions == {}


class TestGuessing:
    async def test_in_parallel_is_hashed_once(self, bench: IdentityInMemory) -> None:
        guesses = [bench.login(f"{WRONG} {n}", f"in-{n}") for n in range(20)]

        answers = await bench.answers(guesses)

        codes = [answer.code for answer in answers]
        assert codes == ["invalid_credentials"] + ["too_many_attempts"] * 19
        assert len(bench.hasher.verified) == 1
        assert {answer.body.get("retry_after_s") for answer in answers[1:]} == {1}

    async def test_from_two_workers_is_counted_before_either_hashes(
        self, bench: IdentityInMemory
    ) -> None:
        bench.identities.away_for = {"nobody"}  # a batch that fails beside it changes nothing

        first = await bench.answer(bench.login(WRONG, "in-1"))
        bench.restart()
        second = await bench.answer(bench.login(PASSWORD, "in-2"))

        assert (first.code, second.code) == ("invalid_credentials", "too_many_attempts")
        assert bench.hasher.verified == []

    async def test_waits_twice_as_long_each_time(self, bench: IdentityInMemory) -> None:
        waits: list[int] = []
        for n in range(12):
            await bench.answer(bench.login(WRONG, f"in-{n}"))
            refused = await bench.answer(bench.login(WRONG, f"again-{n}"))
            waits.append(refused.body["retry_after_s"])
            bench.wait(waits[-1])

        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]

    async def test_of_many_users_from_one_source_is_slowed_down(
        self, bench: IdentityInMemory
    ) -> None:
        bench.throttles.counts["source:here"] = Count(failures=100, since=bench.now)

        first = await bench.answer(bench.login(WRONG, username="user-1", source="here"))
        second = await bench.answer(bench.login(PASSWORD, username="alice", source="here"))
        elsewhere = await bench.answer(bench.login(PASSWORD, "in-2", source="there"))

        assert (first.code, second.code) == ("invalid_credentials", "too_many_attempts")
        assert elsewhere.status == "accepted"
        assert bench.counted("guesses_refused_total", reason="source") == 1
        assert not bench.throttles.counts[of_user("alice")].failures

    async def test_with_a_password_nobody_has_costs_a_hash_too(
        self, bench: IdentityInMemory
    ) -> None:
        answer = await bench.answer(bench.login("\ufdfa" * 900))  # 16,200 characters in NFKC

        assert answer.code == "invalid_credentials"
        assert len(bench.hasher.verified) == 1


class TestALoginTooMany:
    async def test_ends_the_oldest_session(self, bench: IdentityInMemory) -> None:
        opened: list[str] = []
        for n in range(SESSIONS_MAX):
            opened.append((await bench.signed_in(f"in-{n}")).body["session_id"])
            bench.wait(1)

        answer = await bench.answer(bench.login(request_id="in-last"))

        ended = bench.identities.sessions[opened[0]]
        live = await bench.identities.live_sessions("alice", now=bench.now)
        assert (ended.ended_at, ended.ended_reason) == (bench.now, "logout")
        assert {each.session_id for each in live} == {*opened[1:], answer.body["session_id"]}
        assert [each["session_id"] for each in answer.revoked] == opened[:1]
        assert [(each["action"], each["session_id"]) for each in answer.audited] == [
            ("login", answer.body["session_id"])
        ]

    async def test_says_so_again_when_it_is_read_again(self, bench: IdentityInMemory) -> None:
        for n in range(SESSIONS_MAX):
            await bench.signed_in(f"in-{n}")
        request = bench.login(request_id="in-last")

        first, again = await bench.answer(request), await bench.answer(request)

        assert len(first.revoked) == 1
        assert again.said == first.said

    async def test_is_decided_again_when_the_oldest_is_renewed_meanwhile(
        self, bench: IdentityInMemory
    ) -> None:
        first = await bench.signed_in("in-first")
        bench.wait(1)
        for n in range(SESSIONS_MAX - 1):
            await bench.signed_in(f"in-{n}")
        oldest = first.body["session_id"]
        stored = bench.identities.sessions[oldest]

        def renew() -> None:
            bench.identities.sessions[oldest] = changed(stored, version=2)

        bench.identities.between = renew
        answer = await bench.answer(bench.login(request_id="in-last"))

        assert [each["session_id"] for each in answer.revoked] == [oldest]
        assert bench.identities.sessions[oldest].version == 3
