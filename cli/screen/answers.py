"""How the answer to a command is shown, and the exit code that says it to scripts."""

from decimal import Context, Decimal
from typing import assert_never

from rich.text import Text

from cli.screen.shown import error_facts
from contracts.commands import AnyCommand
from contracts.entries import Entry
from contracts.ledger import Deposit, Withdraw
from contracts.message import rfc3339
from contracts.money import AMOUNT_MINOR_MAX
from contracts.profile import UpdateProfile
from contracts.registration import Open, Register
from contracts.results import Result

EXACT = Context(prec=2 * len(str(AMOUNT_MINOR_MAX)))
"""Digits enough for any amount: the default context would round the largest."""

ACCEPTED = 0
"""Exit code: it was done."""

REJECTED = 3
"""Exit code: the service refused, and nothing changed."""

UNKNOWN = 4
"""Exit code: no answer in time, so that nobody can say; ask again with the same id."""


def exit_code(result: Result) -> int:
    """Return the exit code for *result*."""
    if result.is_undecided:
        return UNKNOWN
    return ACCEPTED if result.error is None else REJECTED


def spoken(command: AnyCommand) -> str:
    """Return what *command* asks for, in a few words."""
    match command:
        case Deposit():
            return f"deposit {command.amount} {command.currency} to {command.username}"
        case Withdraw():
            return f"withdraw {command.amount} {command.currency} from {command.username}"
        case Open():
            return f"open {command.username}"
        case Register():
            return f"register {command.username}"
        case UpdateProfile():
            return f"update profile of {command.username}"
        case _:
            assert_never(command)


def changed(entry: Entry) -> str:
    """Return what its user had before *entry*, and has now: `100.00 → 110.50 USD`."""
    return ", ".join(
        change(one.amount, entry.balances[one.currency].posted, one.currency)
        for one in entry.moved
        if one.currency in entry.balances
    )


def change(amount: str, posted: str, currency: str) -> str:
    """Return what there was of one currency before *amount* was gained or lost, and is now."""
    before = EXACT.subtract(Decimal(posted), Decimal(amount))
    return f"{before:f} → {posted} {currency}"


def mark(result: Result) -> Text:
    """Return whether it was accepted, in colour and in words."""
    if result.is_undecided:
        text = Text(f"? {result.status}", "yellow")
    else:
        text = Text("✓ accepted", "green") if result.error is None else Text("✗ rejected", "red")
    if result.duplicate:
        text.append("  a repeat, answered as before", "yellow")
    return text


def facts(result: Result) -> list[tuple[str, str]]:
    """Return everything else that the answer says, by name."""
    found: list[tuple[str, str]] = []
    if result.error is not None:
        found += error_facts(result.error)
        if result.error.retryable:
            found.append(("retryable", "yes, under a new command id"))
    if result.entry is not None:
        entry = result.entry
        found += [
            ("balance", changed(entry)),
            *(("available", f"{each.available} {name}") for name, each in entry.balances.items()),
            ("sequence", str(entry.sequence)),
        ]
    if result.account_id is not None:
        found.append(("account id", result.account_id))
    return [*found, ("decided at", rfc3339(result.decided_at)), ("command id", result.command_id)]
