"""Which sources are one where failed sign-ins are counted, and that no count is named as another."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.sources import counted_as
from handlers.identity.subjects import below, of_device, of_source, of_user, of_user_from
from tests.usernames import USERNAMES

ADDRESS = "198.51.100.7"
SITE = "2001:db8:1:2::/64"

sources = st.none() | st.text(min_size=1, max_size=128)


@pytest.mark.parametrize(
    ("source", "counted"),
    [
        *[(ADDRESS, ADDRESS), (f"::ffff:{ADDRESS}", ADDRESS), ("::ffff:c633:6407", ADDRESS)],
        *[("198.51.100.8", "198.51.100.8"), (f"::{ADDRESS}", "::/64")],
        *[("2001:db8:1:2::1", SITE), ("2001:DB8:1:2:ffff:ffff:ffff:ffff", SITE)],
        *[("2001:db8:1:2::1%eth0", SITE), ("2001:db8:1:3::1", "2001:db8:1:3::/64")],
        *[("branch 12", "branch 12"), ("198.51.100.007", "198.51.100.007"), ("50%", "50%")],
        *[("\0", "\0"), (f"{ADDRESS}/24", f"{ADDRESS}/24"), ("%", "%")],
    ],
)
def test_an_address_counts_for_its_network(source: str, counted: str) -> None:
    assert counted_as(source) == counted


@example(one="alice", other="alice0", source="x", device="s1")
@example(one="a", other="a!", source="x", device="s1")
@given(one=USERNAMES, other=USERNAMES, source=sources, device=st.text(min_size=1))
def test_what_is_counted_of_a_user_is_below_that_user_alone(
    one: str, other: str, source: str | None, device: str
) -> None:
    first, end = below(one)
    owns = {of_user(one), of_user_from(one, source), of_device(one, device)}

    assert [each for each in owns if not first <= each < end] == [of_user(one)]
    if one != other:
        others = {of_user(other), of_user_from(other, source), of_device(other, device)}
        assert not [each for each in others if first <= each < end or each == of_user(one)]
    assert len({*owns, of_user_from(one, None if source else "x"), of_source("x")}) == 5
