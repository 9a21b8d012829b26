"""Where an error came from, as the log may say it: without texts, which may quote what was sent."""

import traceback
from collections.abc import Sequence
from textwrap import indent
from typing import cast

INNER_MAX = 20
"""Exceptions of a group that are named: lanes and partitions, and some more."""


def places(error: BaseException) -> str:
    """Return type and place of *error*, of what caused it, and of all that a group holds.

    Without their texts, which may quote a record or a secret.
    """
    lines = [f"{type(error).__name__} at", *traceback.format_tb(error.__traceback__)]
    inner: Sequence[BaseException] = ()
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        inner = group.exceptions[:INNER_MAX]
    elif error.__cause__ is not None:
        inner = (error.__cause__,)
    return "\n".join(
        [
            "\n".join(line.rstrip() for line in lines),
            *(indent(places(each), "  ") for each in inner),
        ]
    )
