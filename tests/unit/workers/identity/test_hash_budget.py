"""A flood of one user's right passwords: a few are hashed in each batch, the rest has to wait."""

from handlers.identity.subjects import of_user_from
from handlers.identity.throttling import Count
from storage.ports.errors import LostRaceError
from tests.unit.sealed import PASSWORD
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    IdentityInMemory,
)


class TestAFloodOfOneUser:
    async def test_is_hashed_for_a_few_in_each_batch(self, in_memory: IdentityInMemory) -> None:
        """P11: the rest is refused at once, and nobody else waits for it."""
        in_memory.register("bob")
        flood = [in_memory.login(request_id=f"in-{n}") for n in range(15)]

        *alices, bobs = await in_memory.answers([*flood, in_memory.login(username="bob")])

        codes = [answer.code for answer in alices]
        assert bobs.status == "accepted"
        assert codes == [None] * 3 + ["too_many_attempts"] * 12
        assert {answer.body["retry_after_s"] for answer in alices[3:]} == {1}
        assert len(in_memory.hasher.verified) == 3 + 1
        assert in_memory.failures == {}  # not a guess, so it counts as none
        assert in_memory.counted("guesses_refused_total", reason="turn") == 12

    async def test_leaves_a_turn_to_a_device_that_is_known(
        self, in_memory: IdentityInMemory
    ) -> None:
        """P11: strangers from many addresses, in the batch in which the user signs in."""
        known = (await in_memory.signed_in()).tokens["device_token"]
        flood = [in_memory.login(WRONG, f"guess-{n}", source=f"203.0.113.{n}") for n in range(10)]

        *strangers, own = await in_memory.answers(
            [*flood, in_memory.login(request_id="own", device_token=known)]
        )

        codes = [answer.code for answer in strangers]
        assert codes == ["invalid_credentials"] * 3 + ["too_many_attempts"] * 7
        assert own.status == "accepted"

    async def test_gets_its_turns_anew_in_the_next_batch(self, in_memory: IdentityInMemory) -> None:
        await in_memory.answers([in_memory.login(request_id=f"in-{n}") for n in range(5)])

        answer = await in_memory.answer(in_memory.login(request_id="in-next"))

        assert answer.status == "accepted"

    async def test_is_answered_the_same_when_it_is_read_again(
        self, in_memory: IdentityInMemory
    ) -> None:
        flood = [in_memory.login(request_id=f"in-{n}") for n in range(5)]
        first = await in_memory.answers(flood)

        again = await in_memory.answers(flood[::-1])

        assert [each.said for each in again[::-1]] == [each.said for each in first]

    async def test_of_repeats_takes_no_turns(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.login()

        *_, other = await in_memory.answers([*[request] * 8, in_memory.login(request_id="in-2")])

        assert other.status == "accepted"

    async def test_of_changes_takes_two_turns_each(self, in_memory: IdentityInMemory) -> None:
        access = (await in_memory.signed_in()).tokens["access_token"]
        changes = [in_memory.change(access, PASSWORD, "seven77", f"ch-{n}") for n in range(3)]

        answers = await in_memory.answers(changes)

        codes = [answer.code for answer in answers]
        assert codes == ["password_too_short"] * 2 + ["too_many_attempts"]

    async def test_of_wrong_guesses_is_told_how_long_to_wait(
        self, in_memory: IdentityInMemory
    ) -> None:
        in_memory.throttles.counts[of_user_from("alice", None)] = Count(failures=5)
        flood = [in_memory.login(WRONG, f"in-{n}") for n in range(6)]

        first, *others = await in_memory.answers(flood)

        assert first.code == "invalid_credentials"
        assert {answer.code for answer in others} == {"too_many_attempts"}
        [retry_after_s] = {answer.body["retry_after_s"] for answer in others}
        assert retry_after_s > 1

    async def test_keeps_its_turn_when_it_is_decided_again(
        self, in_memory: IdentityInMemory
    ) -> None:
        in_memory.identities.failures = [LostRaceError() for _ in range(3)]

        answers = await in_memory.answers([in_memory.login(request_id=f"in-{n}") for n in range(5)])

        codes = [answer.code for answer in answers]
        assert codes == [None] * 3 + ["too_many_attempts"] * 2
