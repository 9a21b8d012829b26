"""The schema number: in which shapes accounts, decisions and all else are stored.

One number for all that a database holds, and for messages between workers. A release reads every
number from `OLDEST` to `NEWEST`, and writes the one that the database says, so that releases beside
it can read what it writes. What a document of a later number may say is told by no earlier release.
"""

from typing import Final

OLDEST: Final = 1
"""As release 0.1 stored it. That one noted no number anywhere but in outcomes."""

FIRST: Final = 2
"""The first number that a database says of itself. A document without one is of this, or older."""

NEWEST: Final = 2
"""The last number that this release reads, and writes once `accounts schema upgrade` has said so.

Of whatever it brings, documents of before know nothing: `CONTRIBUTING.md` says how to add one."""


def is_readable(number: object) -> bool:
    """Say whether this release knows the shape of what bears *number*, whatever stands there."""
    return type(number) is int and OLDEST <= number <= NEWEST
