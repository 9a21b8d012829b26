"""The configured limits that the rules decide by."""

from collections.abc import Collection, Mapping

import msgspec

from contracts.money import AMOUNT_MINOR_MAX
from handlers.model.house import CONFIGURED
from handlers.model.schema import NEWEST


class CurrencyRules(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Limits in one currency, in minor units of *scale* decimals."""

    scale: int
    amount_minor_min: int = 1
    """Smallest amount of one command."""
    deposit_minor_max: int = AMOUNT_MINOR_MAX
    withdraw_minor_max: int = AMOUNT_MINOR_MAX
    balance_minor_max: int = AMOUNT_MINOR_MAX


class Rules(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is configured, as the core needs it."""

    currencies: Mapping[str, CurrencyRules]
    """Currencies that are kept; any other is refused as unsupported."""
    currencies_max: int = 50
    """Currencies in one account: an account stays one small document."""
    houses: Collection[str] = CONFIGURED
    """House accounts that a movement may name."""
    clock_skew_ms: int = 200
    """Broker timestamps closer than this count as ties."""
    schema: int = NEWEST
    """What is recorded is of this number: what every worker that runs can read. A rule that came
    with a later one, such as a code or a kind of entry of its own, waits for it."""
