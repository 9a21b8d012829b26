"""Changing a password."""

import re
from typing import Annotated, cast

from pydantic import Field, model_validator

from contracts.problems import Problem, wrong
from contracts.registration import SEALED_PATTERN, Sealed, SealedTogether
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


class Passwords(SealedTogether):
    """What `sealed_passwords` holds once opened: the user's password, and the one to come."""

    password: str = Field(repr=False)
    new_password: str = Field(repr=False)
