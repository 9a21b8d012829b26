"""A process that has no file descriptor left, as a flood of connections leaves it."""

import resource
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def out_of_files() -> Generator[None]:
    """Let nothing more be opened meanwhile; what is open stays open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
