"""Strangers guess a user's password, by a simulated clock: who signs in meanwhile, and how often they try."""

from datetime import timedelta

import pytest

from handlers.identity.subjects import of_user
from handlers.identity.throttling import Count
from tests.unit.sealed import PASSWORD
from tests.unit.workers.identity.identity_fakes import Answer
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    IdentityInMemory,
)
from workers.identity.options import GUESSES_A_DAY_MAX, USER_RULE

HOME, STRANGE = "198.51.100.7", "203.0.113.9"
HOUR = timedelta(hours=1)
BACK_S = 24 * 3600 // GUESSES_A_DAY_MAX
FROM_ONE = 13
"""Guesses from one source in an hour: the waits after the first ten add up to 1,023 s."""


async def guessed(
    in_memory: IdentityInMemory, *sources: str, lasting: timedelta = HOUR, every_s: int = 5
) -> int:
    """Have strangers guess from *sources* by turns; return how often a password was looked at."""
    before, number, until = len(in_memory.hasher.verified), 0, in_memory.now + lasting
    while in_memory.now < until:
        source = sources[number % len(sources)]
        name = f"guess-{in_memory.now:%d%H%M%S}-{number}"
        await in_memory.answer(in_memory.login(f"{WRONG} {number}", name, source=source))
        in_memory.wait(every_s)
        number += 1
    return len(in_memory.hasher.verified) - before


async def used_up(in_memory: IdentityInMemory) -> Answer:
    """Have strangers guess as often as they may, at once; return the last answer of theirs."""
    answers = [
        await in_memory.answer(in_memory.login(WRONG, f"use-{n}", source=f"2001:db8:0:{n:x}::1"))
        for n in range(GUESSES_A_DAY_MAX)
    ]
    assert {answer.code for answer in answers} == {"invalid_credentials"}
    return answers[-1]


MANY = [f"2001:db8:{n:x}::1" for n in range(4000)]


class TestAnHourOfAStranger:
    @pytest.mark.parametrize("sources", [[STRANGE], MANY], ids=["one address", "many addresses"])
    async def test_leaves_the_users_own_device_its_first_try(
        self, in_memory: IdentityInMemory, sources: list[str]
    ) -> None:
        device = (await in_memory.signed_in()).tokens["device_token"]

        tried = await guessed(in_memory, *sources)
        # From the address of the stranger: it makes no difference where the device is.
        own = await in_memory.answer(
            in_memory.login(request_id="own", source=STRANGE, device_token=device)
        )

        assert own.status == "accepted"
        assert tried == (FROM_ONE if sources == [STRANGE] else GUESSES_A_DAY_MAX + 3600 // BACK_S)

    async def test_from_one_address_leaves_a_new_device_elsewhere_its_first_try(
        self, in_memory: IdentityInMemory
    ) -> None:
        await guessed(in_memory, STRANGE)

        there = await in_memory.answer(in_memory.login(request_id="there", source=STRANGE))
        home = await in_memory.answer(in_memory.login(request_id="home", source=HOME))

        assert (there.code, home.status) == ("too_many_attempts", "accepted")

    async def test_from_many_addresses_keeps_new_devices_out_only_while_it_lasts(
        self, in_memory: IdentityInMemory
    ) -> None:
        await guessed(in_memory, *MANY)
        refused = await in_memory.answer(in_memory.login(request_id="refused", source=HOME))

        in_memory.wait(refused.body["retry_after_s"])
        home = await in_memory.answer(in_memory.login(request_id="home", source=HOME))

        assert refused.code == "too_many_attempts"
        assert refused.body["retry_after_s"] <= BACK_S
        assert home.status == "accepted"

    async def test_in_one_network_is_one_stranger(self, in_memory: IdentityInMemory) -> None:
        """Of IPv6 whoever has one address has a /64; IPv4 in its clothes is IPv4."""
        inside = [f"2001:db8::{n:x}" for n in range(1, 200)]
        assert await guessed(in_memory, *inside) == FROM_ONE
        mapped = [STRANGE, f"::ffff:{STRANGE}", "::ffff:cb00:7109"]

        assert await guessed(in_memory, *mapped) == FROM_ONE


async def test_a_week_of_guessing_from_everywhere_is_bounded_by_the_day(
    in_memory: IdentityInMemory,
) -> None:
    tried = await guessed(in_memory, *MANY, lasting=timedelta(days=7), every_s=BACK_S // 2)

    assert 7 * GUESSES_A_DAY_MAX <= tried <= 8 * GUESSES_A_DAY_MAX


async def test_one_wrong_guess_from_anywhere_refuses_nobody_elsewhere(
    in_memory: IdentityInMemory,
) -> None:
    await in_memory.answer(in_memory.login(WRONG, "wrong", source=STRANGE))

    answer = await in_memory.answer(in_memory.login(source=HOME))

    assert answer.status == "accepted"


async def test_those_who_come_from_nowhere_that_is_known_wait_for_one_another(
    in_memory: IdentityInMemory,
) -> None:
    await in_memory.answer(in_memory.login(WRONG, "wrong"))

    other = await in_memory.answer(in_memory.login(request_id="other"))
    home = await in_memory.answer(in_memory.login(request_id="home", source=HOME))

    assert (other.code, home.status) == ("too_many_attempts", "accepted")


class TestTheLastGuess:
    async def test_is_audited_and_counted(self, in_memory: IdentityInMemory) -> None:
        last = await used_up(in_memory)

        assert [event["action"] for event in last.audited] == ["login", "lock-out"]
        assert last.audited[1]["code"] == "too_many_attempts"
        assert in_memory.counted("lock_outs_total") == 1

    async def test_of_the_right_password_is_no_lock_out(self, in_memory: IdentityInMemory) -> None:
        spent = Count(failures=GUESSES_A_DAY_MAX - 1, last_at=in_memory.now, since=in_memory.now)
        in_memory.throttles.counts[of_user("alice")] = spent

        answer = await in_memory.answer(in_memory.login(source=HOME))
        again = await in_memory.answer(in_memory.login(request_id="again", source=HOME))

        assert (answer.status, again.status) == ("accepted", "accepted")
        assert [event["action"] for event in answer.audited] == ["login"]
        assert in_memory.counted("lock_outs_total") == 0

    async def test_is_the_last_of_those_at_once(self, in_memory: IdentityInMemory) -> None:
        spent = Count(failures=GUESSES_A_DAY_MAX - 2, last_at=in_memory.now, since=in_memory.now)
        in_memory.throttles.counts[of_user("alice")] = spent
        guesses = [
            in_memory.login(WRONG, f"in-{n}", source=source) for n, source in enumerate(MANY)
        ]

        # Each a batch of its own, as of many workers: none is held back by the turns.
        codes = [(await in_memory.answer(each)).code for each in guesses[:20]]

        assert codes == ["invalid_credentials"] * 2 + ["too_many_attempts"] * 18
        assert in_memory.counted("guesses_refused_total", reason="user") == 18

    async def test_leaves_nothing_counted_for_who_is_refused(
        self, in_memory: IdentityInMemory
    ) -> None:
        await used_up(in_memory)
        before = dict(in_memory.throttles.counts)

        refused = [
            await in_memory.answer(in_memory.login(request_id=f"refused-{n}", source=HOME))
            for n in range(5)
        ]

        assert {each.code for each in refused} == {"too_many_attempts"}
        assert in_memory.throttles.counts == before


class TestTheTimeToWait:
    """What is told is the truth: a second before it nothing is tried, then it is."""

    async def answers(self, in_memory: IdentityInMemory, wait_s: float, **login: str) -> str | None:
        in_memory.wait(wait_s)
        name = f"at-{in_memory.now:%d%H%M%S%f}"
        return (await in_memory.answer(in_memory.login(WRONG, name, **login))).code

    async def test_of_one_source(self, in_memory: IdentityInMemory) -> None:
        for n in range(13):
            await in_memory.answer(in_memory.login(WRONG, f"in-{n}", source=STRANGE))
            refused = await in_memory.answer(
                in_memory.login(request_id=f"refused-{n}", source=STRANGE)
            )
            wait_s = refused.body["retry_after_s"]

            before = await self.answers(in_memory, wait_s - 0.001, source=STRANGE)
            after = await self.answers(in_memory, 0.001, source=STRANGE)

            assert wait_s == min(2 ** (2 * n), 900)
            assert (before, after) == ("too_many_attempts", "invalid_credentials")
            in_memory.wait(wait_s * 2)

    async def test_of_all_unknown_devices(self, in_memory: IdentityInMemory) -> None:
        await used_up(in_memory)
        in_memory.wait(100)
        refused = await in_memory.answer(in_memory.login(request_id="refused", source=HOME))
        wait_s = refused.body["retry_after_s"]

        before = await self.answers(in_memory, wait_s - 0.001, source=HOME)
        after = await self.answers(in_memory, 0.001, source=HOME)

        assert wait_s == BACK_S - 100
        assert (before, after) == ("too_many_attempts", "invalid_credentials")

    async def test_is_the_longest_of_all_that_there_are(self, in_memory: IdentityInMemory) -> None:
        """Refused for a second of its own, it is not told to come back to another refusal."""
        await used_up(in_memory)
        in_memory.wait(BACK_S)
        await in_memory.answer(in_memory.login(WRONG, "wrong", source=HOME))

        refused = await in_memory.answer(in_memory.login(request_id="refused", source=HOME))

        assert refused.body["retry_after_s"] == BACK_S
        assert in_memory.counted("guesses_refused_total", reason="device") == 1

    async def test_and_that_one_may_are_always_told(self, in_memory: IdentityInMemory) -> None:
        await used_up(in_memory)

        refused = await in_memory.answer(in_memory.login(source=HOME))

        assert refused.body["error"]["retryable"] is True
        assert refused.body["retry_after_s"] >= 1


async def test_an_unknown_user_is_refused_alike(in_memory: IdentityInMemory) -> None:
    """By whatever refuses: nobody learns from it who exists."""
    said: dict[str, list[bytes]] = {"alice": [], "nobod": []}
    for n in range(GUESSES_A_DAY_MAX + 20):
        for username, answers in said.items():
            source = f"2001:db8:0:{n % 110:x}::1"
            login = in_memory.login(WRONG, f"in-{n}", username=username, source=source)
            answers.append((await in_memory.answer(login)).said.reply.value)

    assert [each.replace(b"alice", b"nobod") for each in said["alice"]] == said["nobod"]


async def test_unlocked_everybody_may_try_again(in_memory: IdentityInMemory) -> None:
    await used_up(in_memory)
    await in_memory.throttles.unlock("alice")

    answer = await in_memory.answer(in_memory.login(source=HOME))

    assert answer.status == "accepted"


def test_what_is_back_after_a_day_is_a_days_guesses() -> None:
    assert USER_RULE.one_back_every is not None
    assert USER_RULE.one_back_every * GUESSES_A_DAY_MAX == timedelta(days=1)
    assert USER_RULE.failures_max == USER_RULE.free == GUESSES_A_DAY_MAX


async def test_the_password_of_another_user_opens_nothing_new(in_memory: IdentityInMemory) -> None:
    """Strangers with accounts of their own: their devices are known for themselves alone."""
    in_memory.register("mallory")
    signed_in = await in_memory.answer(in_memory.login(request_id="own", username="mallory"))
    device = signed_in.tokens["device_token"]
    await used_up(in_memory)

    answer = await in_memory.answer(in_memory.login(PASSWORD, source=STRANGE, device_token=device))

    assert answer.code == "too_many_attempts"
