"""Logins of many users from one address: one of them does not make the others wait."""

import pytest

from handlers.identity.subjects import of_user, of_user_from
from handlers.identity.throttling import Count
from storage.ports.errors import StoreUnavailableError
from tests.unit.sealed import PASSWORD
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    IdentityInMemory,
)

HERE = "198.51.100.7"


class TestAStaleDevice:
    async def test_that_asks_every_minute_for_hours_refuses_nobody_else(
        self, in_memory: IdentityInMemory
    ) -> None:
        in_memory.register("bob")
        codes: list[str | None] = []

        for minute in range(12 * 60):
            await in_memory.answer(in_memory.login(WRONG, f"stale-{minute}", source=HERE))
            if minute % 10 == 9:
                login = in_memory.login(PASSWORD, f"b-{minute}", username="bob", source=HERE)
                codes.append((await in_memory.answer(login)).code)
            in_memory.wait(60)

        assert set(codes) == {None}
        assert in_memory.throttles.counts[f"source:{HERE}"].failures <= 12

    async def test_that_has_to_wait_counts_nothing_for_its_address(
        self, in_memory: IdentityInMemory
    ) -> None:
        logins = [in_memory.login(WRONG, f"in-{n}", source=HERE) for n in range(150)]
        await in_memory.answers(logins)

        assert in_memory.throttles.counts[f"source:{HERE}"].failures == 1
        assert len(in_memory.hasher.verified) == 1


async def test_two_corrected_typos_a_day_never_add_up(in_memory: IdentityInMemory) -> None:
    for day in range(200):
        for turn in range(2):
            wrong = await in_memory.answer(in_memory.login(WRONG, f"w-{day}-{turn}", source=HERE))
            in_memory.wait(1)
            right = await in_memory.answer(
                in_memory.login(PASSWORD, f"r-{day}-{turn}", source=HERE)
            )
            assert (wrong.code, right.code) == ("invalid_credentials", None)
            in_memory.wait(12 * 3600)

    assert in_memory.throttles.counts[f"source:{HERE}"].failures <= 1


async def test_guessing_over_many_users_is_slowed_down_for_as_long_as_it_lasts(
    in_memory: IdentityInMemory,
) -> None:
    """Every ten seconds another user, for three hours."""
    hourly: list[int] = []

    for hour in range(3):
        before = len(in_memory.hasher.verified)
        for n in range(360):
            await in_memory.answer(
                in_memory.login(WRONG, f"in-{hour}-{n}", username=f"user-{hour}-{n}", source=HERE)
            )
            in_memory.wait(10)
        hourly.append(len(in_memory.hasher.verified) - before)

    # A hundred, one for each minute, and some while a wait is shorter than what is between two guesses.
    assert 100 < hourly[0] <= 100 + 60 + 7
    assert max(hourly[1:]) <= 60


class TestAStoreThatHiccups:
    """A guess is counted, then something cannot be read: the same record comes again."""

    @pytest.mark.parametrize("failures", [0, 99, 100, 150])
    async def test_refuses_no_right_password(
        self, in_memory: IdentityInMemory, failures: int
    ) -> None:
        in_memory.throttles.counts[f"source:{HERE}"] = Count(failures=failures, since=in_memory.now)
        login = in_memory.login(source=HERE)
        in_memory.identities.credentials_away = 1
        with pytest.raises(StoreUnavailableError):
            await in_memory.answer(login)

        answer = await in_memory.answer(login)

        assert answer.status == "accepted"
        assert in_memory.failures.keys() <= {f"source:{HERE}"}

    async def test_counts_a_wrong_one_once(self, in_memory: IdentityInMemory) -> None:
        login = in_memory.login(WRONG, source=HERE)
        in_memory.identities.credentials_away = 1
        with pytest.raises(StoreUnavailableError):
            await in_memory.answer(login)

        answer = await in_memory.answer(login)

        assert answer.code == "invalid_credentials"
        subjects = [f"source:{HERE}", of_user("alice"), of_user_from("alice", HERE)]
        assert in_memory.failures == dict.fromkeys(subjects, 1)

    async def test_gives_no_second_guess_under_the_same_id(
        self, in_memory: IdentityInMemory
    ) -> None:
        in_memory.identities.credentials_away = 1
        with pytest.raises(StoreUnavailableError):
            await in_memory.answer(in_memory.login(WRONG, "in-1"))

        other = await in_memory.answer(in_memory.login(PASSWORD, "in-1"))

        assert other.code == "too_many_attempts"
        assert in_memory.hasher.verified == []
