"""What the client says of a sign-in whose first answer was lost, whatever the second try brings."""

from pathlib import Path
from typing import Unpack

import orjson
import pytest

from client import sessions
from client.asking import SentWith
from client.errors import (
    AccountsClientError,
    NoAnswerError,
    NotSentError,
    RefusedError,
    TopicMissingError,
    UnreachableError,
)
from contracts.codes import Code
from contracts.replies import Reply
from contracts.requests import AnyRequest
from tests.unit.sealed import NOON, a_ring

Try = type[NoAnswerError] | AccountsClientError | Code


class Service:
    """Gives no answer, cannot be asked, or refuses, in turn."""

    def __init__(self, *tries: Try) -> None:
        self.tries = [*tries]
        self.asked: list[AnyRequest] = []

    async def request(
        self, request: AnyRequest, timeout_s: float = 10.0, **_: Unpack[SentWith]
    ) -> Reply:
        self.asked.append(request)
        next_one = self.tries.pop(0)
        if isinstance(next_one, Code):
            return a_refusal(request, next_one)
        if isinstance(next_one, AccountsClientError):
            raise next_one
        raise next_one(request, f"no answer within {timeout_s} s")

    async def refresh(self, folder: Path) -> None:
        await sessions.refresh(self, a_ring(folder).sealing_jwks(), "alice", "old", now=NOON)


def a_refusal(request: AnyRequest, code: Code) -> Reply:
    error = {"code": code, "title": "T", "detail": "D", "retryable": False, "type": "/t"}
    body = {
        "request_id": request.request_id,
        "username": request.username,
        "type": "refresh",
        "status": "rejected",
        "answered_at": "2030-01-01T12:00:00.000Z",
        "error": error,
    }
    return Reply.model_validate_json(orjson.dumps(body))


@pytest.mark.parametrize(
    "second",
    [UnreachableError("gone"), TopicMissingError("gone"), NotSentError("too large"), Code.EXPIRED],
    ids=lambda second: getattr(second, "value", type(second).__name__),
)
async def test_nothing_says_that_a_lost_first_try_was_not_done(tmp_path: Path, second: Try) -> None:
    service = Service(NoAnswerError, second)

    with pytest.raises(NoAnswerError, match="its outcome is unknown"):
        await service.refresh(tmp_path)

    assert service.asked[0] == service.asked[1]


async def test_a_refusal_that_is_said_again_is_one(tmp_path: Path) -> None:
    service = Service(NoAnswerError, Code.SESSION_ENDED)

    with pytest.raises(RefusedError, match="session_ended"):
        await service.refresh(tmp_path)


@pytest.mark.parametrize("only", [UnreachableError("gone"), NotSentError("too large")], ids=repr)
async def test_what_was_never_sent_is_said_to_be_so(
    tmp_path: Path, only: AccountsClientError
) -> None:
    service = Service(only)

    with pytest.raises(type(only)):
        await service.refresh(tmp_path)

    assert len(service.asked) == 1


async def test_an_expired_first_try_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="expired"):
        await Service(Code.EXPIRED).refresh(tmp_path)
