"""`accounts profile`: who a user is."""

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import AskingOptions, User


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "profile", profile)


def profile(user: User, how: AskingOptions) -> None:
    """Show who a user is."""
    from cli.arguments.checking import checked
    from cli.screen.shown import accepted, as_json, show
    from cli.service.questions import ask_accepted, body
    from contracts.message import rfc3339
    from contracts.queries import GetProfile

    reply = ask_accepted(checked(GetProfile, body(user)), how)
    known = reply.profile
    assert known is not None, "an accepted reply to get-profile has one"
    names = [name for name in (known.first_name, known.last_name) if name]
    facts = [
        ("name", " ".join(names) or "-"),
        ("e-mail", known.email or "-"),
        ("phone", known.phone or "-"),
        ("born", known.date_of_birth.isoformat() if known.date_of_birth else "-"),
        ("marketing", "agreed" if known.marketing_consent else "not agreed"),
        ("status", known.status),
        ("opened at", rfc3339(known.opened_at)),
        ("account id", known.account_id),
    ]
    show(as_json(reply), accepted(f"profile of {user}"), facts)
