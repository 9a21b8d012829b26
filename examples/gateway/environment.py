"""How a setting is read: by its name without `GATEWAY_`, within bounds, and with a word on what is wrong."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import TypeAlias

Found: TypeAlias = Mapping[str, str | None]
"""What is set, by name."""


class SettingsError(Exception):
    """A setting is missing or wrong; says which one and what to do."""


def needed(found: Found, name: str) -> str:
    """Return what has to be set."""
    value = found.get(name)
    if not value:
        raise SettingsError(
            f"GATEWAY_{name} is not set and no dev stack runs from this directory; "
            "set it, or start one with `make run`"
        )
    return value


def text(found: Found, name: str, otherwise: str) -> str:
    """Return what is set, or *otherwise*."""
    return found.get(name) or otherwise


def count(found: Found, name: str, otherwise: int, largest: int) -> int:
    """Return a whole number from 1."""
    counted = int(number(found, name, otherwise, largest))
    if counted < 1:
        raise SettingsError(f"GATEWAY_{name} is no number from 1 to {largest}; mend or unset it")
    return counted


def number(found: Found, name: str, otherwise: float, largest: float) -> float:
    """Return a number from 0."""
    value = found.get(name)
    try:
        read = otherwise if value is None else float(value)
    except ValueError:
        read = -1
    if not 0 <= read <= largest:
        raise SettingsError(f"GATEWAY_{name} is no number from 0 to {largest:g}; mend or unset it")
    return read


def is_loopback(host: str) -> bool:
    """Whether what goes to *host* never leaves this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
