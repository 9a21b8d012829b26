"""The file through which other commands in this directory find the running dev stack."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from cli.screen.output import CliError
from workers.config.sources import DEV_FILE, DEV_PID, dev_variables


@contextmanager
def dev_file(variables: Mapping[str, str]) -> Generator[None]:
    """Keep the file with *variables* there, one NAME=VALUE a line."""
    DEV_FILE.parent.mkdir(exist_ok=True)
    draft = DEV_FILE.with_suffix(".new")
    lines = [f"{name}={value}" for name, value in variables.items()]
    text = "\n".join([*lines, f"{DEV_PID}={os.getpid()}", ""])
    draft.write_bytes(os.fsencode(text))  # as paths are, whatever the locale
    draft.rename(DEV_FILE)  # whole at once, so that no reader sees half of it
    try:
        yield
    finally:
        DEV_FILE.unlink(missing_ok=True)
        with suppress(OSError):
            DEV_FILE.parent.rmdir()


def require_none_running(directory: Path) -> None:
    """Refuse to hide a dev stack that runs from *directory* already."""
    pid = _running(directory / DEV_FILE)
    if pid is not None:
        raise CliError(
            f"a dev stack already runs from this directory (process {pid}): use it, stop it with "
            f"Ctrl-C or `kill {pid}`, or start another one from another directory"
        )


def _running(path: Path) -> int | None:
    try:
        pid = int(dev_variables(path)[DEV_PID])
        os.kill(pid, 0)  # signal 0 only asks
    except (OSError, ValueError, KeyError, OverflowError):
        return None
    return pid
