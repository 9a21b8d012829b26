"""Delivers one command for the command line, and prints what became of it."""

import asyncio
import shlex
import sys

import typer
from rich.text import Text

from cli.screen.answers import UNKNOWN, exit_code, facts, mark, spoken
from cli.screen.output import output
from cli.screen.shown import as_json, show
from cli.service.connection import client_of
from client.errors import OutcomeUnknownError
from client.questions import name_of
from contracts.commands import AnyCommand
from contracts.results import Result
from workers.config.settings import load_settings


def deliver(command: AnyCommand, *, actor: str | None, timeout_s: float, wait: bool) -> None:
    """Send *command*, print the answer unless nobody waits for it, and exit with its code."""
    try:
        result = asyncio.run(_ask(command, actor, timeout_s if wait else None))
    except OutcomeUnknownError as error:
        _show_unknown(command, error)
        raise typer.Exit(UNKNOWN) from None
    if result is None:
        output().record(
            {"status": "sent", "command_id": command.command_id, "username": command.username},
            f"sent {spoken(command)}, command id {command.command_id}",
        )
        return
    _show(command, result)
    raise typer.Exit(exit_code(result))


async def _ask(command: AnyCommand, actor: str | None, timeout_s: float | None) -> Result | None:
    async with client_of(load_settings()) as accounts:
        if timeout_s is None:
            await accounts.send(command, actor=actor)
            return None
        return await accounts.ask(command, timeout_s, actor=actor)


def _show(command: AnyCommand, result: Result) -> None:
    show(as_json(result), mark(result).append(f"  {spoken(command)}", "default"), facts(result))


def _show_unknown(command: AnyCommand, error: OutcomeUnknownError) -> None:
    again = shlex.join(["accounts", *_arguments_with(command.command_id)])
    record = {
        "status": "unknown",
        "type": name_of(command),
        "command_id": command.command_id,
        "username": command.username,
        "again": again,
    }
    if output().is_json:
        output().record(record, "")
        return
    console = output().console(stderr=True)
    console.print(Text("? outcome unknown", "yellow").append(f"  {spoken(command)}", "default"))
    console.print(Text(f"  {error.what}; it may have been done or not.", "default"))
    console.print(Text("  Ask again with the same id, it takes effect once:", "dim"))
    console.print(Text(f"  {again}"), soft_wrap=True)  # to be copied


def _arguments_with(command_id: str) -> list[str]:
    given = sys.argv[1:]
    named = any(word.partition("=")[0] == "--command-id" for word in given)
    return given if named else [*given, "--command-id", command_id]
