"""`accounts export`: everybody's profile and balances, as the lines that `accounts import` takes."""

import asyncio
import sys
from typing import Annotated, BinaryIO

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import flag
from cli.moving.exported_lines import exported_line
from cli.moving.streams import STANDARD, written
from cli.screen.output import CliError, output
from cli.service.store import open_store
from handlers.model.account import Account
from storage.mongo.exporting import MongoExport
from storage.ports.credentials import Credential
from storage.ports.errors import NotMeasuredError
from storage.ports.export import Export
from workers.config.settings import Settings, load_settings

NOT_ALL = 1
"""Exit code: some cannot be read, and are left out."""


def register(app: typer.Typer) -> None:
    """Add `export` to *app*."""
    add_command(app, "export", export)


def export(
    file: Annotated[
        str,
        typer.Argument(
            metavar="[FILE]", help="Where to; standard output by default.", show_default=False
        ),
    ] = STANDARD,
    *,
    with_password_hashes: Annotated[
        bool,
        flag("--with-password-hashes", "Also what passwords are checked against: keep it secret."),
    ] = False,
) -> None:
    """Write every account as of one moment, one JSON line each; exit code 1 if some cannot be read."""
    if with_password_hashes and file == STANDARD and sys.stdout.isatty():
        raise CliError("password hashes are not shown on a screen; name a FILE")
    with written(file) as stream:
        left_out = asyncio.run(_export(load_settings(), stream, with_hashes=with_password_hashes))
    if left_out:
        raise typer.Exit(NOT_ALL)


async def _export(settings: Settings, stream: BinaryIO, *, with_hashes: bool) -> int:
    try:
        async with open_store(settings) as client:
            return await write_users(MongoExport(client), stream, with_hashes=with_hashes)
    except NotMeasuredError as error:
        raise CliError(f"not exported: {error}") from error


async def write_users(store: Export, stream: BinaryIO, *, with_hashes: bool) -> int:
    """Write everybody to *stream*; return how many had to be left out.

    Raises:
        NotMeasuredError: It took too long to be of one moment; what was written is not whole.
    """
    written = signing_in = left_out = 0
    async for account, credential in store.users(with_credentials=with_hashes):
        if not isinstance(account, Account):
            output().note(f"✗ left out: {account}")
            left_out += 1
            continue
        known = credential.hash if isinstance(credential, Credential) else None
        stream.write(exported_line(account, known))
        written += 1
        signing_in += account.signs_in and known is None
    stream.flush()
    output().note(f"{written:,} accounts, as of one moment")
    if signing_in:
        output().note(
            f"{signing_in:,} of them sign in here, and no password hash is written of them"
            + ("" if with_hashes else "; see --with-password-hashes")
        )
    return left_out
