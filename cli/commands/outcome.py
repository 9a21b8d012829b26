"""`accounts outcome`: what became of a command."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import AskingOptions, User

if TYPE_CHECKING:
    from contracts.replies import Reply

CommandId = Annotated[
    str, typer.Argument(metavar="COMMAND_ID", help="The id it was sent under.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "outcome", outcome)


def outcome(user: User, command_id: CommandId, how: AskingOptions) -> None:
    """Show what became of a command; exit code as `send`: 4 where it was not decided so far."""
    from rich.text import Text

    from cli.arguments.checking import checked
    from cli.screen.answers import UNKNOWN
    from cli.screen.shown import as_json, error_facts, show
    from cli.service.questions import ask, body, show_refusal
    from contracts.codes import Code
    from contracts.queries import GetOutcome

    reply = ask(checked(GetOutcome, body(user, command_id=command_id)), how)
    if reply.error is None:
        _show(reply)
    elif reply.error.code == Code.UNKNOWN_COMMAND:
        line = Text("? not decided so far", "yellow").append(f"  {command_id} of {user}", "default")
        show(as_json(reply), line, error_facts(reply.error))
        raise typer.Exit(UNKNOWN)
    else:
        show_refusal(reply)


def _show(reply: "Reply") -> None:
    from cli.screen.answers import exit_code, facts, mark
    from cli.screen.shown import as_json, show

    assert reply.outcome is not None, "an accepted reply to get-outcome has it"
    result = reply.outcome.result
    said = facts(result)
    if reply.outcome.state == "pending":
        said.insert(0, ("pending", "the password is being hashed; nobody can sign in yet"))
    show(
        as_json(reply),
        mark(result).append(f"  {result.type} of {result.username}", "default"),
        said,
    )
    raise typer.Exit(exit_code(result))
