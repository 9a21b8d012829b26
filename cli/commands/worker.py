"""`accounts worker`: run the workers until told to stop."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from workers.bootstrap.allocator import give_large_buffers_back
from workers.bootstrap.loading import loading
from workers.config.roles import ALL, Role
from workers.config.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(worker)


def worker(
    only: Annotated[
        list[Role] | None, typer.Option(help="Run this worker alone; may be given several times.")
    ] = None,
) -> None:
    """Run the workers and the sidecar until a signal; exit 1 if the watchdog had to end it."""
    give_large_buffers_back()
    # Here, because FastStream takes long to load and the other commands do without it.
    with loading():
        from contracts import profile
        from workers.bootstrap.app import run_worker

        profile.load()
    code = _run(run_worker(load_settings(), frozenset(only) if only else ALL))
    if code:
        # At once: at its end the interpreter would wait for threads, and one that hangs may be why
        # the watchdog ended the process.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(work: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop  # not to be had on every platform
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)
