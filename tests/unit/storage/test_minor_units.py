"""P6: minor units come back from MongoDB exactly, whichever of two types they are kept as."""

from typing import Any

import pytest
from bson import BSON, Decimal128
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import AMOUNT_MINOR_MAX
from handlers.model.account import Balance
from storage.mongo.documents.accounts import CODEC, from_account, from_outcome
from storage.mongo.documents.minor_units import INT64_MAX, with_decimals, with_integers
from storage.mongo.documents.stored import to_account
from storage.mongo.documents.stored_outcomes import to_outcome
from tests.builders import an_account, an_entry, an_outcome
from tests.macs import MACS

EDGES = (0, 1, 2**53, INT64_MAX, INT64_MAX + 1, 2**64, AMOUNT_MINOR_MAX)
minors = st.one_of(
    st.sampled_from([*EDGES, *(-each for each in EDGES)]),
    st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX),
)


def there_and_back(document: dict[str, Any]) -> dict[str, Any]:
    return BSON.encode(document).decode(CODEC)


@given(minors)
def test_what_bson_has_no_integer_for_is_the_decimal_that_says_the_same(minor: int) -> None:
    stored = there_and_back(with_decimals({"amount_minor": minor}))["amount_minor"]

    if abs(minor) <= INT64_MAX:
        assert stored == minor
    else:
        assert stored == Decimal128(str(minor)), "bit for bit what the driver makes of its text"
    assert with_integers({"amount_minor": stored}) == {"amount_minor": minor}


@given(st.integers(0, AMOUNT_MINOR_MAX))
def test_a_decimal_that_would_fit_an_integer_is_read_as_well(minor: int) -> None:
    stored = [{"posted_minor": Decimal128(str(minor))}]

    assert with_integers(stored) == [{"posted_minor": minor}]


@pytest.mark.parametrize(
    "text",
    [
        *("0.5", "1E+2", "100.0", "1E-18", "NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "-0"),
        *("10000000000000000000000000001", "-10000000000000000000000000001"),
        *("9999999999999999999999999999999999", "1E+6111", "0E+1", "0E-1"),
    ],
)
def test_what_no_integer_was_written_as_stays_what_it_is(text: str) -> None:
    stored = {"posted_minor": Decimal128(text)}

    assert with_integers(stored) == stored


@pytest.mark.parametrize("value", [None, 5, "text", [1, None], [[{"x": 1}]], {}])
def test_what_has_no_minor_units_stays_what_it_is(value: object) -> None:
    assert with_integers(value) == value


@pytest.mark.parametrize("name", ["scale", "sequence", "minor"])
def test_only_minor_units_may_be_decimals(name: str) -> None:
    assert with_integers({name: Decimal128("1")}) == {name: Decimal128("1")}


@given(st.integers(0, AMOUNT_MINOR_MAX), st.integers(0, AMOUNT_MINOR_MAX), st.integers(0, 18))
def test_a_balance_comes_back(one: int, other: int, scale: int) -> None:
    held, posted = sorted((one, other))
    balance = Balance(posted_minor=posted, held_minor=held, scale=scale)
    account = an_account(balances={"USD": Balance(posted_minor=1, scale=2), "ETH": balance})

    assert to_account(there_and_back(from_account(account, MACS)), MACS) == account


@given(
    st.lists(st.integers(0, AMOUNT_MINOR_MAX), min_size=2, max_size=2, unique=True),
    st.integers(0, AMOUNT_MINOR_MAX),
)
def test_an_entry_comes_back(ends: list[int], held: int) -> None:
    before, after = ends
    entry = an_entry(
        currency="ETH",
        scale=18,
        amount_minor=abs(after - before),
        before_minor=before,
        after_minor=after,
        held_minor=min(held, after),
    )
    outcome = an_outcome(sequence=1, entry=entry)

    assert to_outcome(there_and_back(from_outcome(outcome))) == outcome


@pytest.mark.parametrize("before", [INT64_MAX, INT64_MAX + 1])
def test_small_amounts_stay_integers(before: int) -> None:
    """Documents of before, and whatever reads them by itself, see what they always saw."""
    entry = an_entry(amount_minor=1, before_minor=before, after_minor=before - 1)
    document = from_outcome(an_outcome(sequence=1, type="withdraw", entry=entry))
    stored: dict[str, object] = document["entry"]

    kinds = {name: type(value) for name, value in stored.items() if name.endswith("_minor")}

    is_large = before > INT64_MAX
    assert kinds == {
        "amount_minor": int,
        "before_minor": Decimal128 if is_large else int,
        "after_minor": int,
        "held_minor": int,
    }
