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


async def changed(in_memory: IdentityInMemory, new: str = NEW, old: str = PASSWORD) -> Answer:
    signed_in = await in_memory.signed_in()
    return await in_memory.answer(in_memory.change(signed_in.tokens["access_token"], old, new))


class TestAChange:
    async def test_sets_the_new_password(self, in_memory: IdentityInMemory) -> None:
        before = in_memory.credential()

        answer = await changed(in_memory)

        after = in_memory.credential()
        assert answer.body["sessions_ended"] == 0
        assert verifies(NEW, after.hash)
        assert (after.epoch, after.version) == (1, 2)
        assert after.command_id == before.command_id
        old = await in_memory.answer(in_memory.login(PASSWORD, "in-2"))
        in_memory.wait(1)
        new = await in_memory.answer(in_memory.login(NEW, "in-3"))
        assert (old.code, new.status) == ("invalid_credentials", "accepted")

    async def test_ends_every_other_session(self, in_memory: IdentityInMemory) -> None:
        others = {(await in_memory.signed_in(f"in-o{n}")).body["session_id"] for n in range(2)}
        own = await in_memory.signed_in("in-own")

        answer = await in_memory.answer(in_memory.change(own.tokens["access_token"], PASSWORD, NEW))

        sessions = in_memory.identities.sessions
        assert answer.body["sessions_ended"] == 2
        assert {each["session_id"] for each in answer.revoked} == others
        assert {sessions[each].ended_reason for each in others} == {"password_changed"}
        assert sessions[own.body["session_id"]].is_live(in_memory.now)
        assert [(each["action"], each["session_id"]) for each in answer.audited] == [
            ("change-password", own.body["session_id"])
        ]

    async def test_lets_its_own_session_go_on_with_a_refresh(
        self, in_memory: IdentityInMemory
    ) -> None:
        own = await in_memory.signed_in()
        token = own.tokens["access_token"]
        await in_memory.answer(in_memory.change(token, PASSWORD, NEW))

        stale = await in_memory.answer(in_memory.change(token, NEW, PASSWORD, "ch-2"))
        fresh = await in_memory.answer(in_memory.refresh(own.tokens["refresh_token"]))
        token = fresh.tokens["access_token"]
        again = await in_memory.answer(in_memory.change(token, NEW, PASSWORD, "ch-3"))

        assert (stale.code, again.status) == ("token_invalid", "accepted")
        assert in_memory.claims(token, in_memory.now).epoch == 1

    async def test_takes_the_new_one_however_it_was_typed(
        self, in_memory: IdentityInMemory
    ) -> None:
        await changed(in_memory, "Cafe\u0301-\uff11\ufb01-more")

        answer = await in_memory.answer(in_memory.login("Caf\u00e9-1fi-more", "in-2"))

        assert answer.status == "accepted"

    async def test_forgives_the_guesses_before_it(self, in_memory: IdentityInMemory) -> None:
        signed_in = await in_memory.signed_in()
        token = signed_in.tokens["access_token"]
        await in_memory.answer(in_memory.change(token, WRONG, NEW))
        in_memory.wait(1)

        await in_memory.answer(in_memory.change(token, PASSWORD, NEW, "ch-2"))

        assert in_memory.failures == {}


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
        self, in_memory: IdentityInMemory, new: str, code: str
    ) -> None:
        before = in_memory.credential()

        answer = await changed(in_memory, new)

        assert answer.code == code
        assert in_memory.credential() == replace(before, relied_on=1)

    async def test_of_a_wrong_password_counts_for_the_device_alone(
        self, in_memory: IdentityInMemory
    ) -> None:
        own = await in_memory.signed_in()

        answer = await in_memory.answer(in_memory.change(own.tokens["access_token"], WRONG, NEW))
        here = in_memory.login(PASSWORD, "in-2", device_token=own.tokens["device_token"])
        there = in_memory.login(PASSWORD, "in-3")

        assert answer.code == "invalid_credentials"
        assert in_memory.failures == {of_device("alice", own.body["session_id"]): 1}
        assert (await in_memory.answer(here)).code == "too_many_attempts"
        assert (await in_memory.answer(there)).status == "accepted"

    async def test_does_not_wait_for_strangers_who_guess(self, in_memory: IdentityInMemory) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        for n in range(120):
            await in_memory.answer(in_memory.login(WRONG, f"guess-{n}", source=f"203.0.113.{n}"))

        answer = await in_memory.answer(in_memory.change(token, PASSWORD, NEW))

        assert answer.status == "accepted"

    async def test_has_to_wait_like_a_login(self, in_memory: IdentityInMemory) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        guesses = [in_memory.change(token, f"{WRONG} {n}", NEW, f"ch-{n}") for n in range(20)]

        answers = await in_memory.answers(guesses)

        codes = [answer.code for answer in answers]
        assert codes == ["invalid_credentials"] + ["too_many_attempts"] * 19
        assert len(in_memory.hasher.verified) == 2  # the login's and the first guess

    async def test_of_an_ended_session_guesses_nothing(self, in_memory: IdentityInMemory) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        await in_memory.answer(in_memory.logout(token))

        answer = await in_memory.answer(in_memory.change(token, PASSWORD, NEW))

        assert answer.code == "session_ended"
        assert in_memory.failures == {}
        assert len(in_memory.hasher.verified) == 1

    async def test_of_a_session_long_forgotten_guesses_nothing(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        in_memory.identities.sessions.clear()

        answer = await in_memory.answer(in_memory.change(token, PASSWORD, NEW))

        assert answer.code == "session_ended"
        assert len(in_memory.hasher.verified) == 1

    async def test_of_no_token_guesses_nothing(self, in_memory: IdentityInMemory) -> None:
        answer = await in_memory.answer(in_memory.change("no token", PASSWORD, NEW))

        assert answer.code == "token_invalid"
        assert in_memory.hasher.verified == []


class TestAReplay:
    async def test_changes_nothing_and_logs_nobody_out(self, in_memory: IdentityInMemory) -> None:
        own = await in_memory.signed_in()
        login = in_memory.login(request_id="in-2")
        await in_memory.answer(login)
        change = in_memory.change(own.tokens["access_token"], PASSWORD, NEW)
        first = await in_memory.answer(change)
        in_memory.wait(1)
        after = await in_memory.answer(in_memory.login(NEW, "in-3"))
        credential, sessions = in_memory.credential(), dict(in_memory.identities.sessions)

        for seconds in (0, 600, 10**6):
            in_memory.wait(seconds)
            if seconds == 10**6:
                in_memory.identities.answers.clear()  # forgotten: by now all of them are too old
            replayed = await in_memory.answers([login, change])
            assert (replayed[1].said == first.said) == (seconds < 10**6)

        assert in_memory.credential() == credential
        assert in_memory.identities.sessions == sessions
        assert in_memory.failures == {}
        assert sessions[after.body["session_id"]].ended_at is None


class TestARace:
    async def test_with_another_change_takes_the_old_password_no_more(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        theirs = in_memory.hasher.hash_here("somebody was faster")

        def come_between() -> None:
            current = in_memory.credential()
            in_memory.credentials.by_username["alice"] = replace(
                current, hash=theirs, version=current.version + 1
            )

        in_memory.identities.between = come_between
        answer = await in_memory.answer(in_memory.change(token, PASSWORD, NEW))

        assert answer.code == "invalid_credentials"
        assert in_memory.credential().hash == theirs
        assert in_memory.failures == {}  # it was right when it was counted

    async def test_with_a_login_is_won_in_the_end_with_one_guess(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]

        def come_between() -> None:
            current = in_memory.credential()
            in_memory.credentials.by_username["alice"] = replace(
                current, version=current.version + 1
            )

        in_memory.identities.between = come_between
        answer = await in_memory.answer(in_memory.change(token, PASSWORD, NEW))

        assert answer.status == "accepted"
        assert in_memory.credential().version == 3
        assert (len(in_memory.hasher.verified), in_memory.hasher.hashes) == (2, 1)

    async def test_whose_end_nobody_saw_is_looked_up(self, in_memory: IdentityInMemory) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        in_memory.identities.lost_answers = [CommitUnknownError()]

        answer = await in_memory.answer(in_memory.change(token, PASSWORD, NEW))

        assert answer.status == "accepted"
        assert (in_memory.credential().epoch, in_memory.credential().version) == (1, 2)
