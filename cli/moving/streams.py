"""The files that accounts are moved with, or the standard streams in their place."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from cli.screen.output import CliError

STANDARD = "-"
"""In the place of a file's name: standard input, or standard output."""


@contextmanager
def opened(file: str) -> Generator[BinaryIO]:
    """Yield what to read."""
    if file == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except OSError as error:
        raise CliError(f"cannot read {file}: {error.strerror}") from None


@contextmanager
def written(file: str) -> Generator[BinaryIO]:
    """Yield where to write; a file is there once it is whole, for its owner alone."""
    if file == STANDARD:
        yield sys.stdout.buffer
        return
    path = Path(file)
    try:
        descriptor, part = mkstemp(dir=path.parent, prefix=path.name)  # for its owner alone
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise CliError(f"cannot write {file}: {error.strerror}") from None
