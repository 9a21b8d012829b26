"""The version of this installation, read once: a process that is out of file descriptors still knows it."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed() -> str:
    try:
        return version("accounts")
    except PackageNotFoundError:
        return version("accounts-client")  # of the same release: its fake has a copy of this


VERSION: Final = _installed()
