"""What a change of the contract breaks, and for whom, as one sentence."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


class Affected(StrEnum):
    """Who has to change something."""

    SENDERS = "senders"
    """They write commands and requests: whatever they sent must still be accepted."""
    READERS = "readers"
    """They read what we publish: they must find what they found, and nothing that they cannot read."""


@dataclass(frozen=True, slots=True)
class Break:
    """One change that breaks somebody."""

    affected: Affected
    where: str
    """The topics and the message, as far as it is about one."""
    what: str

    @property
    def sentence(self) -> str:
        """All of it, for people."""
        return f"Breaks {self.affected}: {self.where}: {self.what}."
