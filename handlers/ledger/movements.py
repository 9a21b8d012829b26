"""Rules for moving settled money."""

from contracts.codes import Code
from contracts.ledger import Deposit, Movement, Withdraw
from contracts.money import to_amount, to_minor
from handlers.model.account import Account, Balance
from handlers.model.decision import Moved
from handlers.model.house import EXTERNAL, house_account
from handlers.model.refused import Refused
from handlers.model.rules import CurrencyRules, Rules


def deposit(account: Account | None, command: Deposit, rules: Rules) -> Moved | Refused:
    """Accept any amount within the limits; a currency opens at its first deposit."""
    limits = rules.currencies.get(command.currency)
    if limits is None:
        return _unsupported(command)
    if (unknown := _unknown_house(command, rules)) is not None:
        return unknown
    balance = _balance(account, command.currency)
    limits = _in_scale_of(balance, limits)
    amount_minor = _amount(command, limits, limits.deposit_minor_max)
    if isinstance(amount_minor, Refused):
        return amount_minor
    if account is None:
        return unknown_account(command.username)
    if balance is None and len(account.balances) >= rules.currencies_max:
        return Refused(
            code=Code.TOO_MANY_CURRENCIES,
            detail=f"the account holds {len(account.balances)} currencies, the most there may be",
        )
    before_minor = balance.posted_minor if balance else 0
    if before_minor + amount_minor > limits.balance_minor_max:
        return Refused(
            code=Code.BALANCE_TOO_LARGE,
            detail=f"the balance would exceed {_said(limits.balance_minor_max, limits, command)}",
        )
    return Moved(
        currency=command.currency,
        scale=limits.scale,
        amount_minor=amount_minor,
        before_minor=before_minor,
        after_minor=before_minor + amount_minor,
        held_minor=balance.held_minor if balance else 0,
        house=_other_house(command),
    )


def withdraw(account: Account | None, command: Withdraw, rules: Rules) -> Moved | Refused:
    """Take what is available; held money never leaves."""
    balance = _balance(account, command.currency)
    limits = rules.currencies.get(command.currency)
    if limits is None and balance is None:
        return _unsupported(command)
    if (unknown := _unknown_house(command, rules)) is not None:
        return unknown
    # A currency that is no longer kept can still be paid out.
    limits = _in_scale_of(balance, limits)
    amount_minor = _amount(command, limits, limits.withdraw_minor_max)
    if isinstance(amount_minor, Refused):
        return amount_minor
    if account is None:
        return unknown_account(command.username)
    available_minor = balance.available_minor if balance else 0
    if balance is None or amount_minor > available_minor:
        return Refused(
            code=Code.INSUFFICIENT_FUNDS,
            detail=f"available {_said(available_minor, limits, command)}, "
            f"requested {_said(amount_minor, limits, command)}",
        )
    return Moved(
        currency=command.currency,
        scale=limits.scale,
        amount_minor=amount_minor,
        before_minor=balance.posted_minor,
        after_minor=balance.posted_minor - amount_minor,
        held_minor=balance.held_minor,
        house=_other_house(command),
    )


def unknown_account(username: str) -> Refused:
    """Say that nobody registered *username*."""
    return Refused(code=Code.UNKNOWN_ACCOUNT, detail=f"no account is named {username}")


def _balance(account: Account | None, currency: str) -> Balance | None:
    return account.balances.get(currency) if account else None


def _in_scale_of(balance: Balance | None, limits: CurrencyRules | None) -> CurrencyRules:
    """Return limits in the scale that the balance was opened with: it never changes."""
    if balance is None:
        assert limits is not None
        return limits
    if limits is None or limits.scale != balance.scale:
        return CurrencyRules(scale=balance.scale)
    return limits


def _unsupported(command: Movement) -> Refused:
    return Refused(
        code=Code.CURRENCY_UNSUPPORTED, detail=f"balances in {command.currency} are not kept"
    )


def _unknown_house(command: Movement, rules: Rules) -> Refused | None:
    """Refuse a house that is not configured."""
    if command.house is None or command.house in rules.houses:
        return None
    name = house_account(command.house)
    return Refused(code=Code.UNKNOWN_HOUSE_ACCOUNT, detail=f"no house account is named {name}")


def _other_house(command: Movement) -> str | None:
    """Return which house is on the other side, where it is not the one that nearly all have."""
    return None if command.house == EXTERNAL else command.house


def _amount(command: Movement, limits: CurrencyRules, largest_minor: int) -> int | Refused:
    amount_minor = to_minor(command.amount, limits.scale)
    if amount_minor is None:
        return Refused(
            code=Code.AMOUNT_TOO_PRECISE,
            detail=f"{command.currency} has {limits.scale} decimals, "
            f"requested {command.amount} {command.currency}",
        )
    if amount_minor < max(1, limits.amount_minor_min):
        return Refused(
            code=Code.AMOUNT_TOO_SMALL,
            detail=f"the smallest amount is {_said(limits.amount_minor_min, limits, command)}",
        )
    if amount_minor > largest_minor:
        return Refused(
            code=Code.AMOUNT_TOO_LARGE,
            detail=f"the largest amount is {_said(largest_minor, limits, command)}",
        )
    return amount_minor


def _said(minor: int, limits: CurrencyRules, command: Movement) -> str:
    return f"{to_amount(minor, limits.scale)} {command.currency}"
