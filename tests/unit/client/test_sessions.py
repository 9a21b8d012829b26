"""Signing in and out with the client: what it seals, what it opens, and when it asks again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

import jwt
import orjson
import pytest

from client import sessions
from client.asking import SentWith
from client.errors import NoAnswerError, RefusedError, UnreadableReplyError
from client.sealing import ReplyKeyPair, SealedTokensError
from contracts.passwords import ChangePassword
from contracts.replies import Reply
from contracts.requests import REQUESTS, AnyRequest, request_name
from contracts.sealing import Purpose
from contracts.sessions import Login, Logout, Refresh, Tokens
from tests.unit.sealed import NOON, a_ring
from workers.keys.ring import KeyRing
from workers.keys.sealing import open_sealed, seal_tokens

SIGNED = jwt.encode({"sid": "s-1"}, "k" * 32)
TOKENS = Tokens(access_token=SIGNED, refresh_token="r", expires_in=300, refresh_expires_in=900)
NAMES = {request: request_name(topic) for topic, request in REQUESTS.items()}

Answer = Callable[[AnyRequest], Reply]


def a_reply(request: AnyRequest, **fields: Any) -> Reply:
    body = {
        "request_id": request.request_id,
        "username": request.username,
        "type": NAMES[type(request)],
        "status": "rejected" if "error" in fields else "accepted",
        "answered_at": "2030-01-01T12:00:00.000Z",
        **fields,
    }
    return Reply.model_validate_json(orjson.dumps(body))


def an_error(code: str) -> dict[str, object]:
    return {"code": code, "title": "T", "detail": "D", "retryable": False, "type": "/t"}


class Service:
    """Answers requests in turn, as the identity worker would."""

    def __init__(self, folder: Path, *answers: Answer) -> None:
        self.ring: KeyRing = a_ring(folder)
        self.answers = [*answers]
        self.asked: list[AnyRequest] = []
        self.timeouts: list[float] = []
        self.added: list[SentWith] = []

    @property
    def keys(self) -> dict[str, Any]:
        return self.ring.sealing_jwks()

    async def request(
        self, request: AnyRequest, timeout_s: float = 10.0, **added: Unpack[SentWith]
    ) -> Reply:
        self.asked.append(request)
        self.timeouts.append(timeout_s)
        self.added.append(added)
        return self.answers.pop(0)(request)

    def opened(self, sealed: str, purpose: Purpose, reply_key: Any = None) -> object:
        request = self.asked[-1]
        return open_sealed(
            sealed,
            self.ring,
            purpose=purpose,
            command_id=request.request_id,
            username=request.username,
            reply_key=None if reply_key is None else reply_key.model_dump(),
        )


def with_tokens(tokens: Tokens = TOKENS, **other: Any) -> Answer:
    """Answer with tokens, sealed to the key asked for unless told otherwise."""

    def answer(request: AnyRequest) -> Reply:
        assert isinstance(request, Login | Refresh)
        told: dict[str, Any] = {
            "reply_key": request.reply_key.model_dump(),
            "purpose": Purpose(f"{NAMES[type(request)]}.sealed_tokens"),
            "request_id": request.request_id,
            "username": request.username,
            "issued_at": NOON,
        }
        sealed = seal_tokens(tokens, **(told | other))
        session = {"session_id": "s-1"} if isinstance(request, Login) else {}
        return a_reply(request, sealed_tokens=sealed, **session)

    return answer


def with_refusal(request: AnyRequest) -> Reply:
    return a_reply(request, error=an_error("too_many_attempts"), retry_after_s=8)


def with_sessions_ended(request: AnyRequest) -> Reply:
    return a_reply(request, sessions_ended=2)


def with_nothing(request: AnyRequest) -> Reply:
    raise NoAnswerError(request, "no answer within 5 s")


class TestSignIn:
    async def test_returns_the_tokens_that_came_sealed(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_tokens())

        signed_in = await sessions.sign_in(service, service.keys, "alice", "p4ssw0rd", now=NOON)

        assert (signed_in.session_id, signed_in.tokens) == ("s-1", TOKENS)

    async def test_seals_the_password_for_this_request_and_key_alone(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_tokens())

        await sessions.sign_in(service, service.keys, "alice", "p4ssw0rd", now=NOON, source="::1")

        [login] = service.asked
        assert isinstance(login, Login)
        sealed = login.sealed_password
        assert service.opened(sealed, Purpose.LOGIN_PASSWORD, login.reply_key) == "p4ssw0rd"
        assert service.opened(sealed, Purpose.LOGIN_PASSWORD) != "p4ssw0rd"
        assert login.source == "::1"

    async def test_seals_the_device_token_where_there_is_one(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_tokens(), with_tokens())
        for token in (None, "of the device"):
            await sessions.sign_in(
                service, service.keys, "alice", "p4ssw0rd", now=NOON, device_token=token
            )

        first, second = service.asked
        assert isinstance(first, Login)
        assert isinstance(second, Login)
        assert first.sealed_device_token is None
        assert second.sealed_device_token is not None
        sealed = second.sealed_device_token
        opened = service.opened(sealed, Purpose.LOGIN_DEVICE, second.reply_key)
        assert opened == "of the device"
        assert service.opened(sealed, Purpose.LOGIN_DEVICE) != opened

    async def test_takes_tokens_of_a_service_that_knows_no_devices(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_tokens())

        signed_in = await sessions.sign_in(service, service.keys, "alice", "p", now=NOON)

        assert signed_in.tokens.device_token is None

    async def test_uses_a_fresh_id_and_key_each_time(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_tokens(), with_tokens())

        for _ in range(2):
            await sessions.sign_in(service, service.keys, "alice", "p4ssw0rd", now=NOON)

        first, second = service.asked
        assert isinstance(first, Login)
        assert isinstance(second, Login)
        assert first.request_id != second.request_id
        assert first.reply_key != second.reply_key

    async def test_asks_again_under_the_same_id_where_an_answer_is_lost(
        self, tmp_path: Path
    ) -> None:
        service = Service(tmp_path, with_nothing, with_tokens())

        signed_in = await sessions.sign_in(service, service.keys, "alice", "p", now=NOON)

        assert service.asked[0] == service.asked[1]
        assert service.timeouts == [15.0, 15.0]
        assert signed_in.tokens == TOKENS

    async def test_gives_up_in_the_end(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_nothing, with_nothing)

        with pytest.raises(NoAnswerError, match="again with the same request_id"):
            await sessions.sign_in(service, service.keys, "alice", "p", now=NOON, timeout_s=1)

        assert service.timeouts == [0.5, 0.5]

    async def test_says_why_it_was_refused(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_refusal)

        with pytest.raises(RefusedError, match="login of alice: too_many_attempts: D") as caught:
            await sessions.sign_in(service, service.keys, "alice", "p", now=NOON)

        assert caught.value.error.code == "too_many_attempts"
        assert caught.value.retry_after_s == 8

    @pytest.mark.parametrize(
        "other",
        [
            {"username": "bobby"},
            {"request_id": "another"},
            {"purpose": Purpose.REFRESH_TOKENS},
            {"reply_key": ReplyKeyPair().public},
        ],
        ids=lambda other: next(iter(other)),
    )
    async def test_takes_no_tokens_that_were_sealed_for_something_else(
        self, tmp_path: Path, other: dict[str, Any]
    ) -> None:
        service = Service(tmp_path, with_tokens(**other))

        with pytest.raises(SealedTokensError):
            await sessions.sign_in(service, service.keys, "alice", "p", now=NOON)

    async def test_complains_of_an_accepted_reply_without_tokens(self, tmp_path: Path) -> None:
        service = Service(tmp_path, a_reply)

        with pytest.raises(UnreadableReplyError, match="has no tokens"):
            await sessions.sign_in(service, service.keys, "alice", "p", now=NOON)

    async def test_sends_nothing_where_there_is_no_key_to_seal_to(self, tmp_path: Path) -> None:
        service = Service(tmp_path)

        with pytest.raises(ValueError, match="no X25519 key"):
            await sessions.sign_in(service, {"keys": []}, "alice", "p", now=NOON)

        assert service.asked == []

    async def test_passes_on_who_asks_and_for_what(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_tokens())

        await sessions.sign_in(
            service, service.keys, "alice", "p", now=NOON, actor="gateway", correlation_id="c"
        )

        assert service.added[0].get("actor") == "gateway"
        assert service.added[0].get("correlation_id") == "c"

    async def test_shows_no_token_in_its_text(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_tokens())

        signed_in = await sessions.sign_in(service, service.keys, "alice", "p", now=NOON)

        assert repr(signed_in) == "SignedIn(session_id='s-1')"


class TestRefresh:
    async def test_exchanges_the_token_for_new_ones(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_tokens())

        signed_in = await sessions.refresh(service, service.keys, "alice", "old", now=NOON)

        [request] = service.asked
        assert isinstance(request, Refresh)
        sealed = request.sealed_refresh_token
        assert service.opened(sealed, Purpose.REFRESH_TOKEN, request.reply_key) == "old"
        assert (signed_in.session_id, signed_in.tokens) == ("s-1", TOKENS)

    @pytest.mark.parametrize("token", ["", "a.b.c", jwt.encode({"sid": 7}, "k" * 32)])
    async def test_complains_where_nothing_names_the_session(
        self, tmp_path: Path, token: str
    ) -> None:
        service = Service(tmp_path, with_tokens(TOKENS.model_copy(update={"access_token": token})))

        with pytest.raises(UnreadableReplyError, match="names no session"):
            await sessions.refresh(service, service.keys, "alice", "old", now=NOON)


class TestSignOut:
    async def test_returns_how_many_sessions_ended(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_sessions_ended)

        ended = await sessions.sign_out(
            service, service.keys, "alice", "access", everywhere=True, now=NOON
        )

        [request] = service.asked
        assert isinstance(request, Logout)
        assert service.opened(request.sealed_access_token, Purpose.LOGOUT_TOKEN) == "access"
        assert (ended, request.everywhere) == (2, True)


class TestChangePassword:
    async def test_seals_both_passwords_together(self, tmp_path: Path) -> None:
        service = Service(tmp_path, with_sessions_ended)

        ended = await sessions.change_password(
            service, service.keys, "alice", "access", "before", "after", now=NOON
        )

        [request] = service.asked
        assert isinstance(request, ChangePassword)
        opened = (
            service.opened(request.sealed_access_token, Purpose.CHANGE_TOKEN),
            service.opened(request.sealed_passwords, Purpose.CHANGE_PASSWORDS),
        )
        assert opened == ("access", '{"password": "before", "new_password": "after"}')
        assert ended == 2
