"""The file that keeps a user signed in between commands; nobody else may read it."""

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field, ValidationError

from cli.screen.output import CliError
from contracts.message import Instant, Message, SignInName

OWNER_ONLY = 0o600
FOLDER_OWNER_ONLY = 0o700

FILE = "session.json"
"""In the folder for the user's own files of this program."""

SessionFile = Annotated[
    Path | None,
    typer.Option(
        "--session-file",
        metavar="FILE",
        help="Where the tokens are kept, readable by you alone; by default in your own "
        "configuration folder.",
    ),
]


class SavedSession(Message):
    """A sign-in, as it is kept."""

    username: SignInName
    session_id: str
    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    expires_at: Instant
    """Of the access token."""
    session_expires_at: Instant


def session_path(given: Path | None) -> Path:
    """Return where the session is kept."""
    return given or Path(typer.get_app_dir("accounts")) / FILE


def prepare(path: Path) -> None:
    """Make sure that a session can be kept in *path*, before there is one.

    Raises:
        CliError: It cannot.
    """
    try:
        path.parent.mkdir(mode=FOLDER_OWNER_ONLY, parents=True, exist_ok=True)
        _written(path, b"").unlink()
    except OSError as error:
        raise _not_kept(path, error) from error


def keep(path: Path, session: SavedSession) -> None:
    """Keep *session* in *path* in place of any other.

    Raises:
        CliError: It cannot be kept.
    """
    try:
        _written(path, session.model_dump_json().encode()).replace(path)
    except OSError as error:
        raise _not_kept(path, error) from error


def kept(path: Path) -> SavedSession | None:
    """Return the session that is kept in *path*, if there is one.

    Raises:
        CliError: What is there cannot be read.
    """
    try:
        return SavedSession.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        # The text of a validation error carries what is in the file.
        reason = getattr(error, "strerror", None) or "it is not as this program writes it"
        raise CliError(f"no session in {path}: {reason}; sign in again") from None


def forget(path: Path) -> None:
    """Remove the session."""
    path.unlink(missing_ok=True)


def _written(path: Path, content: bytes) -> Path:
    """Write a draft beside *path*, so that nobody ever sees half of it, or more than the owner."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
        file.write(content)
    return draft


def _not_kept(path: Path, error: OSError) -> CliError:
    return CliError(
        f"no session can be kept in {path}: {error.strerror}; name another place with "
        "--session-file FILE"
    )
