"""The `accounts` command: finds the sub-command, loads only that, and ends without tracebacks."""

import gc
import logging
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from cli.groups import LazyGroup, lazy
from cli.screen.columns import broken
from cli.screen.output import Format, choose, print_line, width_of
from workers.monitoring.redaction import cleaned, redact

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
    "import": "Move accounts and their balances in from a file.",
    "export": "Write all accounts and their balances to a file.",
    "watch": "Show results and events as they are published.",
    "verify": "Recompute every balance from the recorded decisions.",
    "trial-balance": "Add up all users and all houses: whether money was made or lost.",
    "repair": "Build an account anew from its recorded entries.",
    "repair-all": "Build every account anew that cannot be read.",
    "schema": "Show in which schema the data is, who runs on it, or take it to the next one.",
    "unlock": "Let a user sign in again whose password strangers have guessed at.",
    "offsets": "Show how far the consumer groups have read, or move one of them.",
    "dead-letters": "List what could not be decided, or send it again.",
    "config": "Show or check the configuration.",
    "asyncapi": "Print the contract as an AsyncAPI document.",
}
"""Name → what `accounts --help` says; the file of the same name, with underscores, has it."""

OURS = {"cli", "workers", "storage", "client", "devstack", "contracts"}
"""Packages whose exceptions say what is wrong and what to do; any other exception is a bug."""

CANNOT = 2
"""Exit code for everything that cannot be done as asked."""

ALLOCATIONS_BEFORE_COLLECTION = 50_000
"""Objects. A call loads several times as many, and all of them stay: to look for garbage among them
after every 700, as Python does, took a sixth of its time. The worker sets its own number."""

ABOUT = "accounts keeps user accounts and their money, driven by messages."
NEGATIVE = re.compile(r": -[0-9.]+$")
"""What the library says at the end of an option that is no option but a number."""

WITH_VALUE = "--output"
ANYWHERE = ("--output", "--debug")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 fine, 2 cannot be done as asked, else as documented."""
    gc.set_threshold(ALLOCATIONS_BEFORE_COLLECTION)
    given, debug = _globals_first(sys.argv[1:] if arguments is None else arguments)
    if not debug:
        # Libraries must not add lines of their own; the worker sets up its logging itself.
        logging.lastResort = logging.NullHandler()
    try:
        code = application()(args=given or ["--help"], prog_name="accounts", standalone_mode=False)
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


def application() -> typer.Typer:
    """Return the application; of its commands the one that is called is loaded."""
    app = typer.Typer(
        cls=LazyGroup,
        help=ABOUT,
        epilog="--output and --debug may also stand after the command.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    lazy(app, COMMANDS)
    return app


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        from importlib.metadata import version

        print_line(f"accounts {version('accounts')}")
        raise typer.Exit


def _options(
    form: Annotated[
        Format, typer.Option("--output", help="auto: for people; json: for programs.")
    ] = Format.AUTO,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Show which version this is."
        ),
    ] = False,
) -> None:
    del debug, show_version  # main reads the one, where errors end up; the other has ended before
    choose(form)


def _not_negative(error: typer.TyperException) -> str:
    """Return what to say of a number that was taken for an option, because of its minus sign."""
    context: Any = getattr(error, "ctx", None)
    names = [one.metavar for one in context.command.params] if context else []
    if "AMOUNT" in names:
        return "the amount must be above zero, such as 10.50"
    return "no number may be negative here"


def complain(error: Exception) -> int:
    """Print *error* in one line per problem; return the exit code."""
    if isinstance(error, typer.TyperException):
        lines = error.format_message().splitlines()
        if NEGATIVE.search(lines[-1]):
            lines = [_not_negative(error)]
    elif isinstance(error, typer.Abort):
        lines = ["stopped"]
    elif type(error).__module__.partition(".")[0] in OURS:
        lines = list(getattr(error, "problems", str(error).splitlines()))
    else:
        reason = " ".join(str(error).split())
        lines = [f"internal error: {type(error).__name__}: {reason} (--debug shows where)"]
    prefix = "" if len(lines) > 1 and lines[0].startswith("Usage:") else "accounts: "
    for line in lines:
        shown, width = redact(cleaned(prefix + line)), width_of(sys.stderr)
        whole = [shown] if width is None else broken(shown, width)
        sys.stderr.write("\n".join(whole) + "\n")
    return getattr(error, "exit_code", CANNOT) or CANNOT
