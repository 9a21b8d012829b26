"""An account and entries with as much money as a test is about."""

from collections.abc import Sequence
from typing import Any

from handlers.model.account import Account, Balance
from handlers.model.outcome import Outcome
from tests.builders import a_chain, an_account, an_entry, an_outcome

LARGE = 2**63
"""The least that MongoDB has no integer for."""


def holding(posted_minor: int, *, held_minor: int = 0, version: int = 1) -> Account:
    balances = {
        "USD": Balance(posted_minor=5, scale=2),
        "ETH": Balance(posted_minor=posted_minor, held_minor=held_minor, scale=18),
    }
    return an_account(balances=balances, sequence=2, version=version)


def moves(minor: int) -> Sequence[Outcome]:
    """Return a deposit of *minor* and a withdrawal of one unit."""
    paid_in = an_entry(currency="ETH", scale=18, amount_minor=minor, after_minor=minor)
    taken: dict[str, Any] = {"currency": "ETH", "scale": 18, "amount_minor": 1}
    taken |= {"before_minor": minor, "after_minor": minor - 1, "held_minor": minor - 1}
    return a_chain(
        an_outcome(sequence=1, entry=paid_in),
        an_outcome(sequence=2, type="withdraw", entry=an_entry(2, **taken)),
    )
