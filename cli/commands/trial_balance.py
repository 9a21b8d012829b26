"""`accounts trial-balance`: whether money was made or lost."""

import asyncio

import typer

from cli.arguments.option_groups import add_command
from cli.screen.output import output
from cli.service.store import open_store
from handlers.history.trial_balance import CurrencyTotals, Totals, by_currency
from storage.mongo.houses import MongoHouses
from storage.ports.errors import NotMeasuredError
from workers.clock import monotonic_s
from workers.config.settings import Settings, load_settings

DIFFERS = 1
"""Exit code: money was made or lost, or something of it cannot be counted."""

NOT_MEASURED = 2
"""Exit code: nobody can say."""

COLUMNS = ("currency", "users", "houses", "difference")


def register(app: typer.Typer) -> None:
    """Add `trial-balance` to *app*."""
    add_command(app, "trial-balance", trial_balance)


def trial_balance() -> None:
    """Add up all users and all houses as of one moment: zero in every currency, or exit code 1."""
    started_s = monotonic_s()
    try:
        totals = asyncio.run(_totals(load_settings()))
    except NotMeasuredError as error:
        reason = str(error)
        output().record({"measured": False, "reason": reason}, f"not measured: {reason}")
        raise typer.Exit(NOT_MEASURED) from error
    currencies = by_currency(totals)
    wrong = _wrong(totals, currencies)
    if output().is_json:
        output().record(_as_record(totals, currencies, wrong, monotonic_s() - started_s), "")
    else:
        _show(totals, currencies, wrong)
    if wrong:
        raise typer.Exit(DIFFERS)


async def _totals(settings: Settings) -> Totals:
    async with open_store(settings) as client:
        return await MongoHouses(client).totals()


def _wrong(totals: Totals, currencies: list[CurrencyTotals]) -> list[str]:
    """Return why this is no balance, one sentence each."""
    wrong = [
        f"{one.currency}: {one.shown(abs(one.difference_minor))} more than there should be"
        if one.difference_minor > 0
        else f"{one.currency}: {one.shown(abs(one.difference_minor))} less than there should be"
        for one in currencies
        if one.difference_minor
    ]
    if totals.unreadable:
        wrong.append(f"{totals.unreadable} accounts cannot be counted: accounts verify names them")
    return [*wrong, *map(str, totals.corrupt)]


def _show(totals: Totals, currencies: list[CurrencyTotals], wrong: list[str]) -> None:
    if currencies:
        output().table(COLUMNS, [_row(one) for one in currencies])
    lines = [f"✗ {each}" for each in wrong]
    if not wrong:
        lines = [f"✓ users and houses come to zero, {totals.accounts:,} accounts"]
    output().record({}, *lines)
    if totals.not_booked:
        output().note(
            f"{totals.not_booked:,} accounts are not on the books yet: their next command, or the "
            "housekeeper, takes them in"
        )


def _row(one: CurrencyTotals) -> tuple[str, str, str, str]:
    houses_minor = sum(one.houses_minor.values())
    return (
        one.currency,
        one.shown(one.users_minor),
        one.shown(houses_minor),
        one.shown(one.difference_minor),
    )


def _as_record(
    totals: Totals, currencies: list[CurrencyTotals], wrong: list[str], seconds: float
) -> dict[str, object]:
    return {
        "measured": True,
        "balanced": not wrong,
        "currencies": [
            {
                "currency": one.currency,
                "users": one.shown(one.users_minor),
                "houses": {name: one.shown(minor) for name, minor in one.houses_minor.items()},
                "difference": one.shown(one.difference_minor),
            }
            for one in currencies
        ],
        "accounts": totals.accounts,
        "not_booked": totals.not_booked,
        "problems": wrong,
        "seconds": round(seconds, 3),
    }
