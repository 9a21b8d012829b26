"""Types the blocks of a page into a shell as a reader does: passwords where they are asked for, Ctrl-C where nothing ends."""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.cli_process import PATIENCE_S, Program

PASSWORD = "a long sentence that I remember"
CHUNK_BYTES_MAX = 65_536
"""More than a terminal holds at once."""

AGAIN_S = 5.0
"""After so long without a sign a reader presses Ctrl-C again."""


def blocks(page: Path) -> list[str]:
    """Return what a reader of *page* types, one block after the other."""
    return re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


class Terminal:
    """A shell in the folder of a program; it remembers variables from block to block."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._variables = ""

    def type(self, block: str, *, until: str = "") -> str:
        """Run *block* to its end, or until it shows *until* where given; return what it showed."""
        script = self._variables + block
        self._variables += "".join(re.findall(r"^[A-Z]+=.*\n", block, re.MULTILINE))
        with self._shell(script) as (process, controller):
            shown = typed_after = ""
            while not (until and until in shown) and (chunk := _read(controller)):
                shown += chunk
                typed_after += chunk
                if typed_after.endswith(("assword: ", "confirmation: ")):
                    os.write(controller, f"{PASSWORD}\n".encode())
                    typed_after = ""
            if until:
                assert until in shown, shown
                _interrupt(process, controller)
            else:
                assert process.wait(PATIENCE_S) == 0, shown
        return shown

    @contextmanager
    def _shell(self, script: str) -> Generator[tuple[subprocess.Popen[bytes], int]]:
        controller, terminal = os.openpty()
        with subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self._program.cwd,
            env={**self._program.environment(), "HOME": str(self._program.cwd)},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,  # or a password would be asked for at the terminal of the test
        ) as process:
            os.close(terminal)
            try:
                yield process, controller
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                os.close(controller)


def _interrupt(process: subprocess.Popen[bytes], controller: int) -> None:
    """Press Ctrl-C until it has ended: one may come before the program listens, or be lost."""
    gives_up_s = time.monotonic() + PATIENCE_S
    with suppress(ProcessLookupError):
        while time.monotonic() < gives_up_s:
            os.killpg(process.pid, signal.SIGINT)
            again_s = time.monotonic() + AGAIN_S
            while (left_s := again_s - time.monotonic()) > 0:
                if select.select([controller], [], [], left_s)[0] and not _read(controller):
                    return
    raise AssertionError("Ctrl-C does not end it")


def _read(controller: int) -> str:
    """Return what is shown next; nothing once everybody has hung up."""
    ready, _, _ = select.select([controller], [], [], PATIENCE_S)
    assert ready, "nothing is shown any more"
    try:
        return os.read(controller, CHUNK_BYTES_MAX).decode(errors="replace")
    except OSError:
        return ""
