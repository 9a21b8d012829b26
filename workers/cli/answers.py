"""How the answer to a command is shown, and the exit code that says it to scripts."""

from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from contracts.commands import AnyCommand
from contracts.ledger import Deposit, Withdraw
from contracts.message import rfc3339
from contracts.registration import Register
from contracts.results import Result

ACCEPTED = 0
"""Exit code: it was done."""

REJECTED = 3
"""Exit code: the service refused, and nothing changed."""

UNKNOWN = 4
"""Exit code: no answer in time, so that nobody can say; ask again with the same id."""


def exit_code(result: Result) -> int:
    """Return the exit code for *result*."""
    return ACCEPTED if result.status == "accepted" else REJECTED


def spoken(command: AnyCommand) -> str:
    """Return what *command* asks for, in a few words."""
    match command:
        case Deposit():
            return f"deposit {command.amount} {command.currency} to {command.username}"
        case Withdraw():
            return f"withdraw {command.amount} {command.currency} from {command.username}"
        case Register():
            return f"register {command.username}"
        case _:
            return f"update profile of {command.username}"


def verdict(result: Result) -> Text:
    """Return the answer's heart in one line."""
    if result.error is None:
        line = Text("✓ accepted", "green")
        if result.entry is not None:
            line.append(f"  {result.entry.after} {result.entry.currency} now", "default")
    else:
        line = Text("✗ rejected", "red")
        line.append(f"  {result.error.code}", "default")
        line.append(f": {result.error.detail}", "default")
    if result.duplicate:
        line.append("  (a repeat: decided before)", "yellow")
    return line


def facts(result: Result) -> RenderableType:
    """Return everything else that the answer says, aligned."""
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _facts(result):
        table.add_row(f"  {name}", value)
    return table


def _facts(result: Result) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if result.entry is not None:
        entry = result.entry
        found += [
            ("balance", f"{entry.before} → {entry.after} {entry.currency}"),
            ("available", f"{entry.available} {entry.currency}"),
            ("sequence", str(entry.sequence)),
        ]
    if result.account_id is not None:
        found.append(("account id", result.account_id))
    if result.error is not None:
        found += [(f"  {error.field}", error.problem) for error in result.error.errors]
        if result.error.retryable:
            found.append(("retryable", "yes: under a new command id"))
    decided: datetime = result.decided_at
    return [*found, ("decided at", rfc3339(decided)), ("command id", result.command_id)]
