"""Gets a password or a claim from a terminal, a file or standard input; never from the command line."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.screen.output import CliError


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordFrom:
    """Where the password is, unless it is asked for."""

    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file", metavar="FILE", help="Read the password from the first line of it."
        ),
    ] = None


ClaimFile = Annotated[
    Path | None,
    typer.Option(
        "--claim-file",
        metavar="FILE",
        help="The claim that lets its user register the opened account: the first line of it.",
    ),
]


def password(source: PasswordFrom, *, confirm: bool) -> str:
    """Return the password, asked for without echo where nothing says where it is.

    Raises:
        CliError: It cannot be had.
    """
    if source.password_file is not None:
        return _first_line_of(source.password_file, "password")
    if source.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CliError(
            "no terminal to ask for the password; give it with --password-stdin or --password-file"
        )
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True))


def claim(file: Path) -> str:
    """Return the claim in *file*.

    Raises:
        CliError: There is none.
    """
    from contracts.registration import CLAIM_PATTERN

    found = _first_line_of(file, "claim")
    if not re.fullmatch(CLAIM_PATTERN, found):
        raise CliError(
            f"no claim in {file}: write 32 random bytes in base64url, as "
            "`python -c 'import secrets; print(secrets.token_urlsafe(32))'` prints them"
        )
    return found


def _first_line_of(file: Path, what: str) -> str:
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        # The text of a decoding error would carry what is in the file.
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise CliError(f"no {what} in {file}: {reason}") from None
