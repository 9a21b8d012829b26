"""What every store of throttles counts."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.identity.subjects import of_device, of_source, of_user, of_user_from
from handlers.identity.throttling import Allowance, ThrottleRule
from storage.memory.identities import MemoryThrottles
from storage.ports.identity import Throttles
from tests.builders import NOON

USER = ThrottleRule(free=0)
SOURCE = ThrottleRule(free=100)
SHORT = ThrottleRule(
    free=2, longest=timedelta(seconds=7), forgotten_after=timedelta(milliseconds=20_500)
)
BACK = timedelta(milliseconds=9_500)
FORGETS = ThrottleRule(free=2, longest=timedelta(seconds=7), one_back_every=BACK)
FEW = ThrottleRule(free=1, failures_max=4, one_back_every=BACK)
BUDGET = ThrottleRule(free=3, failures_max=3, one_back_every=BACK)
SECOND = timedelta(seconds=1)
PARALLEL = 50


async def allowed(throttles: Throttles, rule: ThrottleRule, count: int = PARALLEL) -> int:
    """Return how many of *count* attempts made at once are allowed."""
    attempts = await asyncio.gather(
        *(throttles.count("user:alice", rule=rule, now=NOON) for _ in range(count))
    )
    return sum(each.allowed for each in attempts)


async def test_parallel_attempts_do_not_slip_through(throttles: Throttles) -> None:
    assert await allowed(throttles, USER) == 1


async def test_parallel_attempts_do_not_hinder_each_other(throttles: Throttles) -> None:
    assert await allowed(throttles, SOURCE) == PARALLEL


@pytest.mark.parametrize("free", [9, 10, 11])
async def test_of_parallel_attempts_the_free_ones_and_one_more_are_allowed(
    throttles: Throttles, free: int
) -> None:
    assert await allowed(throttles, ThrottleRule(free=free)) == free + 1


async def test_the_last_attempt_of_all_is_allowed_once(throttles: Throttles) -> None:
    rule = ThrottleRule(free=1000, failures_max=10, one_back_every=BACK)

    assert await allowed(throttles, rule) == 10


async def test_who_has_to_wait_is_told_until_when(throttles: Throttles) -> None:
    first = await throttles.count("user:alice", rule=USER, now=NOON)
    early = await throttles.count("user:alice", rule=USER, now=NOON + SECOND / 2)
    later = await throttles.count("user:alice", rule=USER, now=NOON + SECOND)

    assert first == Allowance(allowed=True, failures=1)
    assert early == Allowance(allowed=False, failures=1, retry_at=NOON + SECOND)
    assert later == Allowance(allowed=True, failures=2)


async def test_subjects_are_counted_apart(throttles: Throttles) -> None:
    await throttles.count("user:alice", rule=USER, now=NOON)

    assert (await throttles.count("source:alice", rule=USER, now=NOON)).allowed
    assert (await throttles.count("user:bob", rule=USER, now=NOON)).allowed


@pytest.mark.parametrize("subject", ["user:$where", "source:{$ne: 1}", "source:.", "source:\0"])
async def test_no_subject_is_an_operator(throttles: Throttles, subject: str) -> None:
    """P10."""
    await throttles.count(subject, rule=USER, now=NOON)

    assert not (await throttles.count(subject, rule=USER, now=NOON)).allowed
    await throttles.forgive(subject, all_of_them=True)
    assert (await throttles.count(subject, rule=USER, now=NOON)).failures == 1


async def test_forgiven_all_it_starts_anew(throttles: Throttles) -> None:
    for _ in range(3):
        await throttles.count("user:alice", rule=BUDGET, now=NOON)
    refused = await throttles.count("user:alice", rule=BUDGET, now=NOON)

    await throttles.forgive("user:alice", all_of_them=True)

    assert refused == Allowance(allowed=False, failures=3, retry_at=NOON + BACK)
    assert await throttles.count("user:alice", rule=BUDGET, now=NOON) == Allowance(
        allowed=True, failures=1
    )


async def test_forgiven_once_it_counts_one_less_and_waits_no_more(throttles: Throttles) -> None:
    for each in range(3):
        await throttles.count("source:a", rule=SHORT, now=NOON + each * SECOND)

    await throttles.forgive("source:a", all_of_them=False)
    after = await throttles.count("source:a", rule=SHORT, now=NOON + 2 * SECOND)

    assert after == Allowance(allowed=True, failures=3)


@pytest.mark.parametrize("all_of_them", [True, False])
async def test_nothing_to_forgive_is_no_error(throttles: Throttles, *, all_of_them: bool) -> None:
    await throttles.forgive("user:nobody", all_of_them=all_of_them)

    assert (await throttles.count("user:nobody", rule=USER, now=NOON)).failures == 1


async def test_a_moment_between_milliseconds_changes_nothing(throttles: Throttles) -> None:
    await throttles.count("user:alice", rule=USER, now=NOON)
    odd = NOON + SECOND - timedelta(microseconds=1)

    assert not (await throttles.count("user:alice", rule=USER, now=odd)).allowed


async def test_the_record_counted_last_is_let_through_uncounted(throttles: Throttles) -> None:
    first = await throttles.count("user:alice", rule=USER, now=NOON, record="$one")
    other = await throttles.count("user:alice", rule=USER, now=NOON, record="$two")
    again = await throttles.count("user:alice", rule=USER, now=NOON, record="$one")
    nameless = await throttles.count("user:alice", rule=USER, now=NOON)

    assert first == again == Allowance(allowed=True, failures=1)
    assert (other.allowed, nameless.allowed) == (False, False)


async def test_the_last_attempt_of_all_is_let_through_again(throttles: Throttles) -> None:
    rule = ThrottleRule(free=0, failures_max=1, one_back_every=BACK)
    first = await throttles.count("user:alice", rule=rule, now=NOON, record="one")
    other = await throttles.count("user:alice", rule=rule, now=NOON, record="two")

    again = await throttles.count("user:alice", rule=rule, now=NOON, record="one")

    assert first == again == Allowance(allowed=True, failures=1, used_up=True)
    assert not other.allowed


async def test_a_forgiven_record_is_counted_again(throttles: Throttles) -> None:
    for record in ("one", "two"):
        await throttles.count("source:a", rule=SOURCE, now=NOON, record=record)
    await throttles.forgive("source:a", all_of_them=False)

    again = await throttles.count("source:a", rule=SOURCE, now=NOON, record="two")
    more = await throttles.count("source:a", rule=SOURCE, now=NOON, record="three")

    assert (again.failures, more.failures) == (2, 3)


async def test_who_looks_counts_nothing(throttles: Throttles) -> None:
    rules = {"user:alice": USER, "source:a": BUDGET}
    for _ in range(2):
        seen = await throttles.look(rules, now=NOON)
        assert seen == dict.fromkeys(rules, Allowance(allowed=True, failures=1))
    await throttles.count("user:alice", rule=USER, now=NOON, record="one")

    seen = await throttles.look(rules, now=NOON)
    again = await throttles.look(rules, now=NOON, record="one")

    waits = seen["user:alice"]
    assert (waits.allowed, waits.retry_at, waits.counted_for) == (False, NOON + SECOND, "one")
    assert [each.allowed for each in (seen["source:a"], again["user:alice"])] == [True, True]


async def test_unlocked_a_user_alone_starts_anew(throttles: Throttles) -> None:
    alices = [
        of_user("alice"),
        of_user_from("alice", None),
        of_user_from("alice", "\U0010ffff"),
        of_user_from("alice", "198.51.100.7"),
        of_device("alice", "s1"),
    ]
    others = [
        *map(of_user, ("alice0", "alice.b", "alice-", "alic", "alicf", "alicea")),
        of_user_from("alice0", None),
        of_user_from("alic", "e/source"),
        of_source("alice"),
    ]
    for each in (*alices, *others):
        await throttles.count(each, rule=USER, now=NOON)

    assert await throttles.unlock("alice") == len(alices)
    assert await throttles.unlock("alice") == 0

    seen = await throttles.look(dict.fromkeys((*alices, *others), USER), now=NOON)
    assert [seen[each].allowed for each in alices] == [True] * len(alices)
    assert [seen[each].allowed for each in others] == [False] * len(others)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["count", "one", "two", "three", "forgive", "forgive all"]),
        st.integers(0, 30_000)
        | st.sampled_from([0, 1000, 2000, 6999, 7000, 9_499, 9_500, 19_000, 20_500, 20_501]),
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    "rule", [SHORT, FEW, FORGETS, BUDGET], ids=["waits", "both", "forgets", "budget"]
)
@given(steps=STEPS)
@settings(
    max_examples=25,
    deadline=None,  # shared machines
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_it_counts_as_the_rule_says(
    throttles: Throttles, rule: ThrottleRule, steps: Sequence[tuple[str, int]]
) -> None:
    """Each store keeps what `handlers.identity.throttling` decides, and nothing is lost on its way."""
    model, subject, now = MemoryThrottles(), f"source:{uuid4().hex}", NOON

    for step, wait_ms in steps:
        now += timedelta(milliseconds=wait_ms)
        if step.startswith("forgive"):
            for each in (throttles, model):
                await each.forgive(subject, all_of_them=step == "forgive all")
            continue
        record = None if step == "count" else step
        for by in (None, record):
            seen = await throttles.look({subject: rule}, now=now, record=by)
            assert seen == await model.look({subject: rule}, now=now, record=by)
        counted = await throttles.count(subject, rule=rule, now=now, record=record)
        assert counted == await model.count(subject, rule=rule, now=now, record=record)
