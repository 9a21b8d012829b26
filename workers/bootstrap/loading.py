"""Loading modules without looking for garbage."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def loading() -> Generator[None]:
    """Import inside it without looking for reference cycles.

    What is imported stays, and with every thousand objects the collector looks at more of it again:
    a seventh of the time that loading the worker takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
