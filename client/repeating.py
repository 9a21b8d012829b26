"""Asks until it is answered: what was not, once more under the same id, which has its effect once."""

from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple

from client.answers import A
from client.errors import (
    NotSentError,
    OutcomeUnknownError,
    TopicMissingError,
    UnreachableError,
    refused,
)
from client.questions import Asked

ASKED_TIMES_MAX = 2
"""What is lost twice is down. And of a sign-in a lost answer is said again for seconds (10) only."""


class LastAnswer(NamedTuple, Generic[A]):
    """An answer, and what became of the first try where it is that of the second."""

    answer: A
    lost: OutcomeUnknownError | None


async def ask_again(
    asked: Asked, ask: Callable[[float], Awaitable[A]], timeout_s: float
) -> LastAnswer[A]:
    """Return what *ask* returns within its part of *timeout_s*, asking once more where none comes.

    Raises:
        OutcomeUnknownError: Neither was answered, or in words that only a later release knows.
    """
    each_s = timeout_s / ASKED_TIMES_MAX
    lost: OutcomeUnknownError | None = None
    try:
        answer = await ask(each_s)
    except OutcomeUnknownError as error:
        lost = error
        try:
            answer = await ask(each_s)
        except (UnreachableError, TopicMissingError, NotSentError):
            # This time nothing was sent; the first time it may have been, and done.
            raise lost from None
    return LastAnswer(_known(asked, answer), lost)


def accepted(answer: A) -> A:
    """Return *answer*.

    Raises:
        RefusedError: It says no.
    """
    if answer.error is not None:
        raise refused(answer, answer.error)
    return answer


def _known(asked: Asked, answer: A) -> A:
    if answer.is_undecided:
        raise OutcomeUnknownError(
            asked, f"a status that this client does not know, {answer.status},"
        )
    return answer
