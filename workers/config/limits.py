"""The configured currencies and limits, as the core's rules."""

import json
from collections.abc import Collection, Mapping
from typing import Any, cast

from pydantic import BaseModel, ConfigDict

from contracts.currencies import iso_scales
from contracts.money import AMOUNT_MINOR_MAX, Amount, to_amount, to_minor
from handlers.model.house import CONFIGURED, EXTERNAL, OURS
from handlers.model.rules import CurrencyRules, Rules


class CurrencyLimits(BaseModel):
    """Limits in one currency as they are written: decimal strings, in that currency."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    amount_min: Amount | None = None
    deposit_max: Amount | None = None
    withdraw_max: Amount | None = None
    balance_max: Amount | None = None


def parse_object(value: Any) -> Any:
    """Return what JSON text says; anything but text (a TOML table) is left as it is."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except ValueError as error:
        raise ValueError(f'is not JSON ({error}); write it like {{"BTC": 8}}') from None
    if not isinstance(parsed, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - pydantic collects ValueError
    return cast("dict[str, Any]", parsed)


def parse_names(value: Any) -> Any:
    """Return the names in text that separates them by commas; a TOML array is left as it is."""
    return value.replace(" ", "").split(",") if isinstance(value, str) else value


def house_problems(houses: Collection[str]) -> list[str]:
    """Return what is wrong with the names of *houses*, each of which can be one."""
    problems = [
        f"houses: {name} is the service's own; no sender may name it, so leave it out"
        for name in OURS
        if name in houses
    ]
    if EXTERNAL not in houses:
        problems.append(
            f"houses: must have {EXTERNAL}, which movements that name none are booked to"
        )
    return problems


def build_rules(
    assets: Mapping[str, int],
    limits: Mapping[str, CurrencyLimits],
    *,
    currencies_max: int,
    clock_skew_ms: int,
    houses: Collection[str] = CONFIGURED,
) -> Rules:
    """Return the rules for every ISO 4217 currency and *assets*.

    Raises:
        ValueError: With one line for each limit that cannot be.
    """
    iso = iso_scales()
    problems = [
        f"assets.{code}: ISO 4217 gives {code} {iso[code]} decimals, not {scale}; "
        "other decimals would change what stored amounts mean"
        for code, scale in assets.items()
        if iso.get(code, scale) != scale
    ]
    scales = iso | dict(assets)
    currencies = {code: CurrencyRules(scale=scale) for code, scale in scales.items()}
    for code, written in limits.items():
        if code not in scales:
            problems.append(f"limits.{code}: unknown currency; add it with its decimals to assets")
            continue
        try:
            currencies[code] = _currency_rules(code, scales[code], written)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return Rules(
        currencies=currencies,
        currencies_max=currencies_max,
        houses=frozenset(houses),
        clock_skew_ms=clock_skew_ms,
    )


def _currency_rules(code: str, scale: int, written: CurrencyLimits) -> CurrencyRules:
    def minor(name: str, value: str | None, default: int) -> int:
        if value is None:
            return default
        amount = to_minor(value, scale)
        if amount is None:
            raise ValueError(f"limits.{code}.{name}: {code} has {scale} decimals at most")
        if not 1 <= amount <= AMOUNT_MINOR_MAX:
            raise ValueError(
                f"limits.{code}.{name}: must be above zero and at most "
                f"{to_amount(AMOUNT_MINOR_MAX, scale)} {code}"
            )
        return amount

    rules = CurrencyRules(
        scale=scale,
        amount_minor_min=minor("amount_min", written.amount_min, 1),
        deposit_minor_max=minor("deposit_max", written.deposit_max, AMOUNT_MINOR_MAX),
        withdraw_minor_max=minor("withdraw_max", written.withdraw_max, AMOUNT_MINOR_MAX),
        balance_minor_max=minor("balance_max", written.balance_max, AMOUNT_MINOR_MAX),
    )
    least = min(rules.deposit_minor_max, rules.withdraw_minor_max, rules.balance_minor_max)
    if rules.amount_minor_min > least:
        raise ValueError(f"limits.{code}: amount_min is above a maximum, so nothing would pass")
    return rules
