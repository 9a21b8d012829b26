"""`accounts logout`: end the session that `accounts login` opened, or all of its user's."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.arguments.checking import plainly
from cli.arguments.option_groups import add_command
from cli.arguments.options import AskingOptions, SealingKeyFile
from cli.commands.login import session_of
from cli.screen.output import CliError
from cli.screen.shown import accepted, show
from cli.service.connection import client_of, sealing_keys_of
from cli.service.questions import show_no_answer, show_refusal
from cli.service.session_file import SavedSession, SessionFile, forget, keep, kept, session_path
from client.accounts import AccountsClient
from client.errors import OutcomeUnknownError, RefusedError
from client.sessions import refresh, sign_out
from contracts.codes import Code
from contracts.sessions import Logout
from workers.clock import utc_now
from workers.config.settings import load_settings

MARGIN = timedelta(seconds=10)
"""An access token that is good for less is renewed first: the request has to get there."""

OVER = {Code.SESSION_ENDED, Code.TOKEN_INVALID, Code.TOKEN_REUSED}
"""Refusals of a refresh that leave nothing to end."""

Everywhere = Annotated[
    bool, typer.Option("--everywhere", help="End all sessions of the user, on every machine.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "logout", logout)


def logout(
    how: AskingOptions,
    *,
    everywhere: Everywhere = False,
    session_file: SessionFile = None,
    sealing_key: SealingKeyFile = None,
) -> None:
    """Sign out, and remove the file with the tokens."""
    path = session_path(session_file)
    session = kept(path)
    if session is None:
        raise CliError(f"nobody is signed in: there is no {path}")
    leaving = _Leaving(session, path, how)
    try:
        ended = asyncio.run(leaving.leave(sealing_key, everywhere=everywhere))
    except RefusedError as error:
        if leaving.is_over:
            forget(path)
        if everywhere or not leaving.is_over:
            show_refusal(error.answer)
        ended = 0
    except OutcomeUnknownError as error:
        show_no_answer(error)
    forget(path)
    _show(session, ended)


class _Leaving:
    """One way out, with fresh tokens where the kept ones have expired."""

    def __init__(self, session: SavedSession, path: Path, how: AskingOptions) -> None:
        self._session = session
        self._path = path
        self._how = how
        self.is_over = False
        """The session ended before."""

    async def leave(self, sealing_key: Path | None, *, everywhere: bool) -> int:
        """Return how many sessions were ended."""
        settings = load_settings()
        sealing_keys = await sealing_keys_of(settings, sealing_key)
        async with client_of(settings) as accounts:
            with plainly(Logout):
                await self._renew(accounts, sealing_keys)
                return await sign_out(
                    accounts,
                    sealing_keys,
                    self._session.username,
                    self._session.access_token,
                    everywhere=everywhere,
                    now=utc_now(),
                    actor=self._how.actor,
                    timeout_s=self._how.timeout,
                )

    async def _renew(self, accounts: AccountsClient, sealing_keys: dict[str, Any]) -> None:
        now, session = utc_now(), self._session
        if now + MARGIN < session.expires_at:
            return
        try:
            renewed = await refresh(
                accounts,
                sealing_keys,
                session.username,
                session.refresh_token,
                now=now,
                actor=self._how.actor,
                timeout_s=self._how.timeout,
            )
        except RefusedError as error:
            self.is_over = error.error.code in OVER
            raise
        self._session = session_of(session.username, renewed)
        keep(self._path, self._session)  # The one before is spent.


def _show(session: SavedSession, ended: int) -> None:
    record = {
        "status": "accepted",
        "username": session.username,
        "session_id": session.session_id,
        "sessions_ended": ended,
    }
    facts = [("ended", f"{ended} sessions" if ended != 1 else "1 session")]
    show(record, accepted(f"logout of {session.username}"), facts)
