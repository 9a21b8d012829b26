"""The version of this installation, read once: a process that is out of file descriptors still knows it."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("accounts")
