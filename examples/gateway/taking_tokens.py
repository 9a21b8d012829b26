"""What there is to know of an access token, whoever issued it, and why one is not taken."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from examples.gateway.key_set import KeySet
from examples.gateway.problems import ProblemError


@dataclass
class NotTakenError(Exception):
    """A token is not good."""

    reason: str
    """For metrics: one of a few words, and nothing of the token."""
    problem: ProblemError
    """For the caller, who learns less."""


class TakesTokens(Protocol):
    """Whoever knows good tokens."""

    @property
    def keys(self) -> KeySet:
        """What they are verified with."""
        ...

    @property
    def knows_what_ended(self) -> bool | None:
        """Whether all sessions that ended are known here; None where that is never told."""
        ...

    async def username_of(self, token: str, now: datetime) -> str:
        """Return whose account *token* opens.

        Raises:
            NotTakenError: None.
            ProblemError: It cannot be judged now.
        """
        ...
