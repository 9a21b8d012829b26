"""The `accounts` command: finds the sub-command, loads only that, and ends without tracebacks."""

import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

import typer

from workers.cli.output import Format, choose
from workers.loading import loading
from workers.redaction import cleaned, redact

COMMANDS = {
    "dev": "Start real servers and the workers on this machine, for development.",
    "worker": "Run the workers.",
    "topics": "Create the topics, or show how they differ from what is needed.",
    "keys": "Make, replace and list the keys that seal secrets and sign tokens.",
    "send": "Send one command and print its result.",
    "login": "Open a session and keep its tokens in a file of your own.",
    "logout": "End that session, or all sessions of its user.",
    "profile": "Show who a user is.",
    "balance": "Show what an account holds.",
    "transactions": "Show the history of an account.",
    "outcome": "Show what became of a command.",
    "watch": "Show results and events as they are published.",
    "verify": "Recompute every balance from the recorded decisions.",
    "repair": "Build an account anew from its recorded entries.",
    "offsets": "Show how far the consumer groups have read, or move one of them.",
    "dead-letters": "List what could not be decided, or send it again.",
    "config": "Show or check the configuration.",
    "asyncapi": "Print the contract as an AsyncAPI document.",
}
"""Name → what `accounts --help` says; the file of the same name, with underscores, has it."""

OURS = {"workers", "storage", "client", "devstack", "contracts"}
"""Packages whose exceptions say what is wrong and what to do; any other exception is a bug."""

CANNOT = 2
"""Exit code for everything that cannot be done as asked."""

ABOUT = "accounts keeps user accounts and their money, driven by messages."
WITH_VALUE = "--output"
ANYWHERE = ("--output", "--debug")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 fine, 2 cannot be done as asked, else as documented."""
    given, debug = _globals_first(sys.argv[1:] if arguments is None else arguments)
    if not debug:
        # Libraries must not add lines of their own; the worker sets up its logging itself.
        logging.lastResort = logging.NullHandler()
    try:
        code = _build(given)(args=given or ["--help"], prog_name="accounts", standalone_mode=False)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        sys.exit(complain(error))
    sys.exit(code if isinstance(code, int) else 0)


def _globals_first(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Move `--output` and `--debug` before the command: they may stand anywhere."""
    front: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            return [*front, *rest, argument, *waiting], "--debug" in front
        if argument.partition("=")[0] not in ANYWHERE:
            rest.append(argument)
            continue
        front.append(argument)
        if argument == WITH_VALUE and waiting:
            front.append(waiting.pop(0))
    return [*front, *rest], "--debug" in front


def _build(arguments: Sequence[str]) -> typer.Typer:
    """Return the application with the command that is called, or with names only for the help."""
    app = typer.Typer(
        help=ABOUT,
        epilog="--output and --debug may also stand after the command.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    called = _called(arguments)
    for name, about in COMMANDS.items():
        if not find_spec(_module(name)):
            continue
        if name == called:
            with loading():
                command = import_module(_module(name))
            command.register(app)
        else:
            app.command(name, help=about)(_not_loaded)
    return app


def _module(command: str) -> str:
    return f"workers.cli.{command.replace('-', '_')}"


def _called(arguments: Sequence[str]) -> str | None:
    values = {index + 1 for index, word in enumerate(arguments) if word == WITH_VALUE}
    for index, word in enumerate(arguments):
        if index not in values and not word.startswith("-"):
            return word
    return None


def _not_loaded() -> None:
    raise AssertionError("only its name and help are used")


def _options(
    form: Annotated[
        Format, typer.Option("--output", help="auto: for people; json: for programs.")
    ] = Format.AUTO,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    del debug  # read by main, which is where errors end up
    choose(form)


def complain(error: Exception) -> int:
    """Print *error* in one line per problem; return the exit code."""
    if isinstance(error, typer.TyperException):
        lines = error.format_message().splitlines()
    elif isinstance(error, typer.Abort):
        lines = ["stopped"]
    elif type(error).__module__.partition(".")[0] in OURS:
        lines = list(getattr(error, "problems", str(error).splitlines()))
    else:
        reason = " ".join(str(error).split())
        lines = [f"internal error: {type(error).__name__}: {reason} (--debug shows where)"]
    prefix = "" if len(lines) > 1 and lines[0].startswith("Usage:") else "accounts: "
    for line in lines:
        sys.stderr.write(redact(cleaned(f"{prefix}{line}")) + "\n")
    return getattr(error, "exit_code", CANNOT) or CANNOT
