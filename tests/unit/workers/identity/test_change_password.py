"""Change-password: for who is signed in and knows the old one; every other session ends."""

from dataclasses import replace

import pytest

from handlers.identity.subjects import of_device
from storage.ports.errors import CommitUnknownError
from tests.unit.sealed import PASSWORD
from tests.unit.workers.credentials.test_hashing import verifies
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    Answer,
    IdentityInMemory,
)

NEW = "another horse, another staple"


async def changed(bench: IdentityInMemory, new: str = NEW, old: str = PASSWORD) -> Answer:
    signed_in = await bench.signed_in()
    return await bench.answer(bench.change(signed_in.tokens["access_token"], old, new))


class TestAChange:
    async def test_sets_the_new_password(self, bench: IdentityInMemory) -> None:
        before = bench.credential()

        answer = await changed(bench)

        after = bench.credential()
        assert answer.body["sessions_ended"] == 0
        assert verifies(NEW, after.hash)
        assert (after.epoch, after.version) == (1, 2)
        assert after.command_id == before.command_id
        old = await bench.answer(bench.login(PASSWORD, "in-2"))
        bench.wait(1)
        new = await bench.answer(bench.login(NEW, "in-3"))
        assert (old.code, new.status) == ("invalid_credentials", "accepted")

    async def test_ends_every_other_session(self, bench: IdentityInMemory) -> None:
        others = {(await bench.signed_in(f"in-o{n}")).body["session_id"] for n in range(2)}
        own = await bench.signed_in("in-own")

        answer = await bench.answer(bench.change(own.tokens["access_token"], PASSWORD, NEW))

        sessions = bench.identities.sessions
        assert answer.body["sessions_ended"] == 2
        assert {each["session_id"] for each in answer.revoked} == others
        assert {sessions[each].ended_reason for each in others} == {"password_changed"}
        assert sessions[own.body["session_id"]].is_live(bench.now)
        assert [(each["action"], each["session_id"]) for each in answer.audited] == [
            ("change-password", own.body["session_id"])
        ]

    async def test_lets_its_own_session_go_on_with_a_refresh(self, bench: IdentityInMemory) -> None:
        own = await bench.signed_in()
        token = own.tokens["access_token"]
        await bench.answer(bench.change(token, PASSWORD, NEW))

        stale = await bench.answer(bench.change(token, NEW, PASSWORD, "ch-2"))
        fresh = await bench.answer(bench.refresh(own.tokens["refresh_token"]))
        token = fresh.tokens["access_token"]
        again = await bench.answer(bench.change(token, NEW, PASSWORD, "ch-3"))

        assert (stale.code, again.status) == ("token_invalid", "accepted")
        assert bench.claims(token, bench.now).epoch == 1

    async def test_takes_the_new_one_however_it_was_typed(self, bench: IdentityInMemory) -> None:
        await changed(bench, "Cafe\u0301-\uff11\ufb01-more")

        answer = await bench.answer(bench.login("Caf\u00e9-1fi-more", "in-2"))

        assert answer.status == "accepted"

    async def test_forgives_the_guesses_before_it(self, bench: IdentityInMemory) -> None:
        signed_in = await bench.signed_in()
        token = signed_in.tokens["access_token"]
        await bench.answer(bench.change(token, WRONG, NEW))
        bench.wait(1)

        await bench.answer(bench.change(token, PASSWORD, NEW, "ch-2"))

        assert bench.failures == {}


class TestARefusedChange:
    @pytest.mark.parametrize(
        ("new", "code"),
        [
            ("seven77", "password_too_short"),
            ("x" * 257, "password_too_long"),
            ("ALICE@example.com", "password_personal"),
            ("\uff50assword", "password_common"),
        ],
    )
    async def test_has_the_rules_of_a_registration(
        self, bench: IdentityInMemory, new: str, code: str
    ) -> None:
        before = bench.credential()

        answer = await changed(bench, new)

        assert answer.code == code
        assert bench.credential() == replace(before, relied_on=1)

    async def test_of_a_wrong_password_counts_for_the_device_alone(
        self, bench: IdentityInMemory
    ) -> None:
        own = await bench.signed_in()

        answer = await bench.answer(bench.change(own.tokens["access_token"], WRONG, NEW))
        here = bench.login(PASSWORD, "in-2", device_token=own.tokens["device_token"])
        there = bench.login(PASSWORD, "in-3")

        assert answer.code == "invalid_credentials"
        assert bench.failures == {of_device("alice", own.body["session_id"]): 1}
        assert (await bench.answer(here)).code == "too_many_attempts"
        assert (await bench.answer(there)).status == "accepted"

    async def test_does_not_wait_for_strangers_who_guess(self, bench: IdentityInMemory) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        for n in range(120):
            await bench.answer(bench.login(WRONG, f"guess-{n}", source=f"203.0.113.{n}"))

        answer = await bench.answer(bench.change(token, PASSWORD, NEW))

        assert answer.status == "accepted"

    async def test_has_to_wait_like_a_login(self, bench: IdentityInMemory) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        guesses = [bench.change(token, f"{WRONG} {n}", NEW, f"ch-{n}") for n in range(20)]

        answers = await bench.answers(guesses)

        codes = [answer.code for answer in answers]
        assert codes == ["invalid_credentials"] + ["too_many_attempts"] * 19
        assert len(bench.hasher.verified) == 2  # the login's and the first guess

    async def test_of_an_ended_session_guesses_nothing(self, bench: IdentityInMemory) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        await bench.answer(bench.logout(token))

        answer = await bench.answer(bench.change(token, PASSWORD, NEW))

        assert answer.code == "session_ended"
        assert bench.failures == {}
        assert len(bench.hasher.verified) == 1

    async def test_of_a_session_long_forgotten_guesses_nothing(
        self, bench: IdentityInMemory
    ) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        bench.identities.sessions.clear()

        answer = await bench.answer(bench.change(token, PASSWORD, NEW))

        assert answer.code == "session_ended"
        assert len(bench.hasher.verified) == 1

    async def test_of_no_token_guesses_nothing(self, bench: IdentityInMemory) -> None:
        answer = await bench.answer(bench.change("no token", PASSWORD, NEW))

        assert answer.code == "token_invalid"
        assert bench.hasher.verified == []


class TestAReplay:
    async def test_changes_nothing_and_logs_nobody_out(self, bench: IdentityInMemory) -> None:
        own = await bench.signed_in()
        login = bench.login(request_id="in-2")
        await bench.answer(login)
        change = bench.change(own.tokens["access_token"], PASSWORD, NEW)
        first = await bench.answer(change)
        bench.wait(1)
        after = await bench.answer(bench.login(NEW, "in-3"))
        credential, sessions = bench.credential(), dict(bench.identities.sessions)

        for seconds in (0, 600, 10**6):
            bench.wait(seconds)
            if seconds == 10**6:
                bench.identities.answers.clear()  # forgotten: by now all of them are too old
            replayed = await bench.answers([login, change])
            assert (replayed[1].said == first.said) == (seconds < 10**6)

        assert bench.credential() == credential
        assert bench.identities.sessions == sessions
        assert bench.failures == {}
        assert sessions[after.body["session_id"]].ended_at is None


class TestARace:
    async def test_with_another_change_takes_the_old_password_no_more(
        self, bench: IdentityInMemory
    ) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        theirs = bench.hasher.hash_here("somebody was faster")

        def come_between() -> None:
            current = bench.credential()
            bench.credentials.by_username["alice"] = replace(
                current, hash=theirs, version=current.version + 1
            )

        bench.identities.between = come_between
        answer = await bench.answer(bench.change(token, PASSWORD, NEW))

        assert answer.code == "invalid_credentials"
        assert bench.credential().hash == theirs
        assert bench.failures == {}  # it was right when it was counted

    async def test_with_a_login_is_won_in_the_end_with_one_guess(
        self, bench: IdentityInMemory
    ) -> None:
        token = (await bench.signed_in()).tokens["access_token"]

        def come_between() -> None:
            current = bench.credential()
            bench.credentials.by_username["alice"] = replace(current, version=current.version + 1)

        bench.identities.between = come_between
        answer = await bench.answer(bench.change(token, PASSWORD, NEW))

        assert answer.status == "accepted"
        assert bench.credential().version == 3
        assert (len(bench.hasher.verified), bench.hasher.hashes) == (2, 1)

    async def test_whose_end_nobody_saw_is_looked_up(self, bench: IdentityInMemory) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        bench.identities.lost_answers = [CommitUnknownError()]

        answer = await bench.answer(bench.change(token, PASSWORD, NEW))

        assert answer.status == "accepted"
        assert (bench.credential().epoch, bench.credential().version) == (1, 2)
