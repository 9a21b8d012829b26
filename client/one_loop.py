"""Keeps what belongs to one event loop from being used in another, where it would wait in vain."""

import asyncio


class OneLoop:
    """Remembers the event loop in which something was used first."""

    def __init__(self, what: str) -> None:
        """*what* is how the error calls it."""
        self._what = what
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        """Note the running loop at the first call.

        Raises:
            RuntimeError: The running loop is another than then.
        """
        running = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = running
        if self._loop is not running:
            raise RuntimeError(
                f"this {self._what} belongs to another event loop: open one in each `asyncio.run` "
                "and each thread, or call it by `asyncio.run_coroutine_threadsafe` in its own loop"
            )

    def leave(self) -> None:
        """Forget the loop; nothing is left in it."""
        self._loop = None
