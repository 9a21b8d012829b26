"""`accounts balance`: what an account holds."""

from typing import Annotated

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import AskingOptions, User
from cli.screen.output import output

COLUMNS = ("currency", "posted", "held", "available")


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "balance", balance)


def balance(
    user: User,
    how: AskingOptions,
    *,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CURRENCY", help="This one alone.")
    ] = None,
) -> None:
    """Show what an account holds, in one currency or in all."""
    from cli.arguments.checking import checked
    from cli.screen.shown import as_json
    from cli.service.questions import ask_accepted, body
    from contracts.queries import GetBalance

    query = checked(GetBalance, body(user, currency=currency))
    reply = ask_accepted(query, how)
    assert reply.balances is not None, "an accepted reply to get-balance has them"
    if output().is_json:
        output().record(as_json(reply), "")
        return
    held = sorted(reply.balances.balances.items())
    if held:
        rows = [(code, state.posted, state.held, state.available) for code, state in held]
        output().table(COLUMNS, rows)
    else:
        output().note(f"{user} never held {currency or 'anything'}")
