"""The movements of the story: by name, the command and the entry that it made."""

from tests.builders import an_entry

MOVED = {
    "deposit-usd": ("deposit", an_entry(currency="USD")),
    "withdraw-usd": (
        "withdraw",
        an_entry(2, amount_minor=425, before_minor=1000, after_minor=575, held_minor=100),
    ),
    "deposit-jpy": ("deposit", an_entry(3, currency="JPY", scale=0)),
    "deposit-kwd": ("deposit", an_entry(4, currency="KWD", scale=3)),
    "deposit-btc": ("deposit", an_entry(5, currency="BTC", scale=8)),
    "deposit-largest": (
        "deposit",
        an_entry(6, amount_minor=10**15 - 1, before_minor=1, after_minor=10**15),
    ),
    "deposit-eth": (
        "deposit",
        an_entry(
            7,
            currency="ETH",
            scale=18,
            amount_minor=10**28 - 1,
            before_minor=1,
            after_minor=10**28,
            held_minor=2**63,
        ),
    ),
}
