"""What an entry is called, by the command that made it."""

from typing import assert_never

from contracts.commands import CommandName
from contracts.published import EntryKind


def entry_kind(command: CommandName) -> EntryKind:
    """Return what the entry of a *command* is called in events and histories."""
    match command:
        case "deposit":
            return "deposited"
        case "withdraw":
            return "withdrawn"
        case "open" | "register" | "update-profile":
            raise AssertionError(f"{command} moves no money, so it has no entry")
        case _:
            assert_never(command)
