"""`accounts profile`: who a user is."""

from typing import TYPE_CHECKING

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import AskingOptions, User

if TYPE_CHECKING:
    from contracts.queries import ProfileAnswer


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "profile", profile)


def profile(user: User, how: AskingOptions) -> None:
    """Show who a user is."""
    from cli.arguments.checking import checked
    from cli.screen.shown import accepted, as_json, show
    from cli.service.questions import ask_accepted, body
    from contracts.queries import GetProfile

    reply = ask_accepted(checked(GetProfile, body(user)), how)
    known = reply.profile
    assert known is not None, "an accepted reply to get-profile has one"
    show(as_json(reply), accepted(f"profile of {user}"), facts(known))


def facts(known: "ProfileAnswer") -> list[tuple[str, str]]:
    """Return what is shown of a profile, by its name on the screen: all of it."""
    from contracts.message import rfc3339

    names = [name for name in (known.first_name, known.last_name) if name]
    return [
        ("name", " ".join(names) or "-"),
        ("e-mail", known.email or "-"),
        ("phone", known.phone or "-"),
        ("born", known.date_of_birth.isoformat() if known.date_of_birth else "-"),
        ("marketing", "agreed" if known.marketing_consent else "not agreed"),
        ("status", known.status),
        ("opened at", rfc3339(known.opened_at)),
        ("account id", known.account_id),
    ]
