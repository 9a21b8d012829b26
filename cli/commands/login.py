"""`accounts login`: open a session, and keep its tokens in a file of the user's own."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.arguments.checking import plainly
from cli.arguments.option_groups import add_command
from cli.arguments.options import AskingOptions, SealingKeyFile, User
from cli.arguments.passwords import PasswordFrom, password
from cli.screen.shown import accepted, show
from cli.service.connection import client_of, sealing_keys_of
from cli.service.questions import show_no_answer, show_refusal
from cli.service.session_file import SavedSession, SessionFile, keep, prepare, session_path
from client.errors import OutcomeUnknownError, RefusedError
from client.sessions import sign_in
from client.signed_in import SignedIn
from contracts.message import rfc3339
from contracts.sessions import Login
from workers.clock import utc_now
from workers.config.settings import load_settings

Source = Annotated[
    str | None,
    typer.Option("--source", metavar="TEXT", help="Where the user is, such as an IP address."),
]
ShowTokens = Annotated[bool, typer.Option("--show-tokens", help="Print the tokens too.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "login", login)


def login(  # noqa: PLR0913 - each is an option, or a group of them
    user: User,
    password_from: PasswordFrom,
    how: AskingOptions,
    *,
    source: Source = None,
    session_file: SessionFile = None,
    show_tokens: ShowTokens = False,
    sealing_key: SealingKeyFile = None,
) -> None:
    """Sign in; the tokens are kept in a file that only you may read."""
    path = session_path(session_file)
    prepare(path)
    secret = password(password_from, confirm=False)
    try:
        signed_in = asyncio.run(_sign_in(user, secret, how, source, sealing_key))
    except RefusedError as error:
        show_refusal(error.answer)
    except OutcomeUnknownError as error:
        show_no_answer(error)
    session = session_of(user, signed_in)
    keep(path, session)
    _show(session, path, show_tokens=show_tokens)


def session_of(user: str, signed_in: SignedIn) -> SavedSession:
    """Return what is kept of a sign-in that was answered now."""
    now, tokens = utc_now(), signed_in.tokens
    return SavedSession(
        username=user,
        session_id=signed_in.session_id,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=now + timedelta(seconds=tokens.expires_in),
        session_expires_at=now + timedelta(seconds=tokens.refresh_expires_in),
    )


async def _sign_in(
    user: str, secret: str, how: AskingOptions, source: str | None, sealing_key: Path | None
) -> SignedIn:
    settings = load_settings()
    sealing_keys = await sealing_keys_of(settings, sealing_key)
    async with client_of(settings) as accounts:
        with plainly(Login):
            return await sign_in(
                accounts,
                sealing_keys,
                user,
                secret,
                now=utc_now(),
                source=source,
                actor=how.actor,
                timeout_s=how.timeout,
            )


def _show(session: SavedSession, path: Path, *, show_tokens: bool) -> None:
    secrets = {"access_token": session.access_token, "refresh_token": session.refresh_token}
    record = {
        "status": "accepted",
        "username": session.username,
        "session_id": session.session_id,
        "expires_at": rfc3339(session.expires_at),
        "session_expires_at": rfc3339(session.session_expires_at),
        "session_file": str(path),
    }
    facts = [
        ("session", session.session_id),
        ("token until", record["expires_at"]),
        ("ends at", record["session_expires_at"]),
        ("kept in", str(path)),
    ]
    if show_tokens:
        record |= secrets
        facts += [("access", session.access_token), ("refresh", session.refresh_token)]
    show(record, accepted(f"login of {session.username}"), facts)
