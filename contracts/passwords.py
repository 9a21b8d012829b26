"""Changing a password."""

import json
import re
from typing import Annotated, cast

from pydantic import ConfigDict, Field, ValidationError, model_validator

from contracts.message import Message
from contracts.problems import Problem, wrong
from contracts.registration import SEALED_PATTERN, Sealed
from contracts.request import SignInRequest
from contracts.sessions import Source

_SEALED = re.compile(SEALED_PATTERN, re.ASCII)
_APART = ("sealed_password", "sealed_new_password")
"""Fields of before: not bound to one another, so that a copy could bring a new password."""


class ChangePassword(SignInRequest):
    """Set a new password; every other session of the user ends."""

    sealed_access_token: Sealed
    sealed_passwords: Annotated[
        Sealed, Field(description="The old and the new password, sealed together: `Passwords`.")
    ]
    source: Source | None = None

    @model_validator(mode="before")
    @classmethod
    def _sealed_together(cls, fields: object) -> object:
        """Say what to do to whoever sends them sealed apart; readable ones have their own code."""
        if isinstance(fields, dict):
            sent = cast("dict[str, object]", fields)
            apart = [sent[name] for name in _APART if name in sent]
            if apart and all(isinstance(each, str) and _SEALED.match(each) for each in apart):
                raise wrong(Problem.SEALED_APART)
        return cast("object", fields)


class Passwords(Message):
    """What `sealed_passwords` holds once opened: the user's password, and the one to come."""

    model_config = ConfigDict(extra="forbid")

    password: str = Field(repr=False)
    new_password: str = Field(repr=False)

    def to_seal(self) -> str:
        """Return them as JSON, to be sealed."""
        # Not pydantic's own: its error about what is no text would repeat it.
        return json.dumps(self.model_dump(), ensure_ascii=False)

    @classmethod
    def opened(cls, text: str) -> "Passwords | None":
        """Return what was sealed; None where that is something else."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None
