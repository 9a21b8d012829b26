"""Signs users in and out as any Kafka client would, record by record, and waits for the replies."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from client.sealing import ReplyKeyPair, seal, sealing_key
from contracts.passwords import Passwords
from contracts.sealing import Purpose
from contracts.sessions import Tokens
from contracts.topics import CHANGE_PASSWORD, LOGIN, LOGOUT, REFRESH, RESULTS, TopicSpec
from handlers.identity.subjects import of_user, of_user_from
from tests.e2e.caller import PASSWORD, Body, Caller, an_id
from tests.e2e.inbox import PATIENCE_S, Message
from tests.e2e.running import RunningService
from workers.identity.options import GUESSES_A_DAY_MAX

REPLY = "accounts.reply.v2"

LONG_AGO = timedelta(seconds=11)
"""Just longer than a lost answer may be asked for again."""

PURPOSES = {LOGIN: Purpose.LOGIN_TOKENS, REFRESH: Purpose.REFRESH_TOKENS}


@dataclass(frozen=True)
class Ask:
    """A request that is ready to be sent, as often as a test likes."""

    topic: TopicSpec
    body: Body
    keys: ReplyKeyPair | None = None

    @property
    def request_id(self) -> str:
        return self.body["request_id"]

    def but(self, **fields: Any) -> "Ask":
        """Return it with other fields; sealed ones stay as they were sealed."""
        return Ask(self.topic, self.body | fields, self.keys)


@dataclass(frozen=True)
class Signed:
    """An open session, as its caller knows it."""

    username: str
    session_id: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    device: str = field(repr=False)


class Signing:
    """Makes requests of one caller and finds what they were replied."""

    def __init__(self, caller: Caller, *reply_topics: str) -> None:
        """Look for replies on the default topic, and on these; a caller's inbox follows them."""
        self.caller = caller
        self.key: Mapping[str, Any] = sealing_key(caller.service.ring().sealing_jwks())
        self.asked: list[Ask] = []
        """Every record that was sent by `ask`."""
        self._topics: Sequence[TopicSpec | str] = (RESULTS, *reply_topics)
        self._read: dict[int, int] = defaultdict(int)
        self._replies: dict[str, list[Message]] = defaultdict(list)

    def login(self, username: str, password: str = PASSWORD, **fields: Any) -> Ask:
        """Return a sign-in; with a `device_token`, on a device that is known."""
        request_id, keys = an_id(), ReplyKeyPair()
        sealed = self.sealed(password, Purpose.LOGIN_PASSWORD, request_id, username, keys)
        body: Body = {"sealed_password": sealed, "reply_key": keys.public}
        if device_token := fields.pop("device_token", None):
            body["sealed_device_token"] = self.sealed(
                device_token, Purpose.LOGIN_DEVICE, request_id, username, keys
            )
        return Ask(LOGIN, _request(request_id, username, body | fields), keys)

    def refresh(self, username: str, token: str, **fields: Any) -> Ask:
        request_id, keys = an_id(), ReplyKeyPair()
        sealed = self.sealed(token, Purpose.REFRESH_TOKEN, request_id, username, keys)
        body: Body = {"sealed_refresh_token": sealed, "reply_key": keys.public}
        return Ask(REFRESH, _request(request_id, username, body | fields), keys)

    def logout(self, username: str, token: str, **fields: Any) -> Ask:
        request_id = an_id()
        sealed = self.sealed(token, Purpose.LOGOUT_TOKEN, request_id, username)
        body: Body = {"sealed_access_token": sealed}
        return Ask(LOGOUT, _request(request_id, username, body | fields))

    def change(self, username: str, token: str, old: str, new: str, **fields: Any) -> Ask:
        request_id = an_id()
        passwords = Passwords(password=old, new_password=new)
        secrets = {
            "sealed_access_token": (token, Purpose.CHANGE_TOKEN),
            "sealed_passwords": (passwords.to_seal(), Purpose.CHANGE_PASSWORDS),
        }
        body: Body = {
            name: self.sealed(secret, purpose, request_id, username)
            for name, (secret, purpose) in secrets.items()
        }
        return Ask(CHANGE_PASSWORD, _request(request_id, username, body | fields))

    def sealed(
        self,
        secret: str,
        purpose: Purpose,
        request_id: str,
        username: str,
        keys: ReplyKeyPair | None = None,
    ) -> str:
        return seal(
            secret,
            key=self.key,
            purpose=purpose,
            command_id=request_id,
            username=username,
            issued_at=datetime.now(tz=UTC),
            reply_key=None if keys is None else keys.public,
        )

    def replies(self, request_id: str) -> list[Message]:
        """Return the replies to this request so far, in order of arrival."""
        for number, topic in enumerate(self._topics):
            found = self.caller.inbox.messages(topic)
            for message in found[self._read[number] :]:
                if dict(message.header_list).get("ce_type") == REPLY.encode():
                    self._replies[message.body["request_id"]].append(message)
            self._read[number] = len(found)
        return self._replies[request_id]

    async def reply(self, ask: Ask, number: int = 1, within_s: float = PATIENCE_S) -> Message:
        """Return the reply to *ask* that arrived as the *number*-th."""
        return await self.caller.inbox.until(
            lambda: next(iter(self.replies(ask.request_id)[number - 1 :]), None),
            f"reply {number} to {ask.topic.name} of {ask.body['username']}",
            within_s,
        )

    async def ask(self, ask: Ask, **how: Any) -> Message:
        """Send *ask* and return the reply to that."""
        within_s = how.pop("within_s", PATIENCE_S)
        number = len(self.replies(ask.request_id)) + 1
        self.asked.append(ask)
        await self.caller.send(ask.topic, ask.body, **how)
        return await self.reply(ask, number, within_s)

    async def code(self, ask: Ask, **how: Any) -> str | None:
        """As `ask`; returns why it was refused, None where it was accepted."""
        return (await self.ask(ask, **how)).code

    async def accepted(self, ask: Ask, **how: Any) -> Message:
        """As `ask`; fails where it was refused."""
        message = await self.ask(ask, **how)
        assert message.body["status"] == "accepted", message.body
        return message

    async def sign_in(self, username: str, password: str = PASSWORD, **how: Any) -> Signed:
        """Open a session; fails where that is refused."""
        ask = self.login(username, password)
        return opened(ask, await self.accepted(ask, **how))

    async def renew(self, signed: Signed, **how: Any) -> Signed:
        """Exchange the refresh token; fails where that is refused."""
        ask = self.refresh(signed.username, signed.refresh)
        return opened(ask, await self.accepted(ask, **how))

    async def a_session(self) -> Signed:
        """Return the session of a user just registered."""
        return await self.sign_in(await self.caller.a_user())

    def forgive(self, username: str) -> None:
        """Forget failed sign-ins, as if the user had waited."""
        with self.caller.service.mongodb() as database:
            subjects = [of_user(username), of_user_from(username, None)]
            database.throttles.delete_many({"_id": {"$in": subjects}})

    def let_time_pass(self, collection: str, key: str, field_name: str) -> None:
        """Have it that *field_name* was written so long ago that nobody asks for it again."""
        with self.caller.service.mongodb() as database:
            change = [{"$set": {field_name: {"$subtract": [f"${field_name}", ms(LONG_AGO)]}}}]
            changed = database[collection].update_one({"_id": key}, change)
            assert changed.modified_count == 1, (collection, key)

    def stored(self, collection: str, username: str) -> list[dict[str, Any]]:
        """Return what *collection* has of a user."""
        with self.caller.service.mongodb() as database:
            return list(database[collection].find({"username": username}))


def guessed_all_day(service: RunningService, username: str, *, but: int = 0) -> None:
    """Have it that strangers guessed as often as a day allows, or *but* so many times."""
    now = datetime.now(tz=UTC)
    count = {"failures": GUESSES_A_DAY_MAX - but, "last_at": now, "since": now}
    with service.mongodb() as database:
        database.throttles.replace_one({"_id": of_user(username)}, count, upsert=True)


def opened(ask: Ask, message: Message) -> Signed:
    """Return the tokens that *message* gave in reply to *ask*."""
    assert ask.keys is not None
    tokens: Tokens = ask.keys.open(
        message.body["sealed_tokens"],
        purpose=PURPOSES[ask.topic],
        request_id=ask.request_id,
        username=ask.body["username"],
    )
    claims = jwt.decode(tokens.access_token, options={"verify_signature": False})
    assert tokens.device_token is not None
    return Signed(
        ask.body["username"],
        claims["sid"],
        tokens.access_token,
        tokens.refresh_token,
        tokens.device_token,
    )


def _request(request_id: str, username: str, fields: Body) -> Body:
    return {"request_id": request_id, "username": username} | fields


def ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
