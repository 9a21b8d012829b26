"""The end of a process that failed in a way nobody foresaw: from then on it does nothing more."""

from collections.abc import Callable


class Halt:
    """One for all workers of a process. Whoever is about to have an effect asks it first.

    A failure that nobody foresaw may have dropped records that were read, or left anything half
    done. The process ends and is started again; what it might still do until then, such as commit
    past the records that it dropped, would make the loss final.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        """Why nothing more may be read, decided, published or committed; the first stays."""
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        """Whether the process ends."""
        return self.reason is not None

    def now(self, reason: str) -> None:
        """Do nothing more from here on."""
        if self.reason is None:
            self.reason = reason
            for listener in self._listeners:
                listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have *listener* called at that moment; it must not raise."""
        self._listeners.append(listener)
