"""Requests sealed for another, too old, or said again: each is honoured once."""

from typing import cast

import pytest
from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import OKPKey
from msgspec.structs import replace

from client.sealing import sealing_key
from contracts.sessions import Login, ReplyKey
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Trace
from tests.unit.sealed import PASSWORD
from tests.unit.signed import decoded
from tests.unit.workers.identity.identity_in_memory import (
    LOGIN,
    WRONG,
    IdentityInMemory,
)


def sealed_password(asked: RequestRecord) -> str:
    assert isinstance(asked.request, Login)
    return asked.request.sealed_password


class TestASealedPassword:
    @pytest.mark.parametrize("other", ["another-request", "another user", "another key", "purpose"])
    async def test_opens_for_its_own_request_only(
        self, in_memory: IdentityInMemory, other: str
    ) -> None:
        blob = sealed_password(in_memory.login())
        if other == "another-request":
            stolen = in_memory.login(request_id="in-2", sealed_password=blob)
        elif other == "another user":
            stolen = in_memory.login(username="mallory", sealed_password=blob)
        elif other == "another key":
            theirs = in_memory.jwk() | {"x": "A" * 42 + "E"}
            stolen = in_memory.login(sealed_password=blob, reply_key=theirs)
        else:
            stolen = in_memory.refresh("token", "in-1", sealed_refresh_token=blob)

        answer = await in_memory.answer(stolen)

        assert answer.code == "seal_invalid"
        assert in_memory.failures == {}
        assert in_memory.identities.answers == {}

    async def test_that_does_not_open_is_audited_as_its_own_record(
        self, in_memory: IdentityInMemory
    ) -> None:
        bad = in_memory.login(sealed_password=sealed_password(in_memory.login(request_id="in-2")))

        refused = await in_memory.answer(bad)
        accepted = await in_memory.answer(in_memory.login())

        [event] = refused.audited
        assert event["code"] == "seal_invalid"
        assert event["event_id"] != accepted.audited[0]["event_id"]
        assert accepted.status == "accepted"

    @pytest.mark.parametrize(
        ("apart_s", "code"),
        [(-1801, "seal_invalid"), (-1800, None), (1800, None), (1801, "seal_invalid")],
    )
    async def test_opens_for_as_long_as_its_request_is_remembered(
        self, in_memory: IdentityInMemory, apart_s: int, code: str | None
    ) -> None:
        request = in_memory.login()
        in_memory.wait(apart_s)

        answer = await in_memory.answer(in_memory.again(request))

        assert answer.code == code

    @pytest.mark.parametrize("iat", [10**400, -(10**400), 2**63, -1, 10**18])
    async def test_opens_at_no_time_that_cannot_be(
        self, in_memory: IdentityInMemory, iat: int
    ) -> None:
        honest = sealed_password(in_memory.login())
        header = {**decoded(honest.partition(".")[0]), "iat": iat}
        del header["epk"]
        lax = JWERegistry(algorithms=["ECDH-ES", "A256GCM"], strict_check_header=False)
        recipient = OKPKey.import_key(sealing_key(in_memory.ring.sealing_jwks()))
        forged = encrypt_compact(header, PASSWORD, recipient, registry=lax)

        answer = await in_memory.answer(in_memory.login(sealed_password=forged))

        assert answer.code == "seal_invalid"


class TestALoginThatIsOld:
    async def test_is_refused_unseen(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.login(WRONG)
        in_memory.wait(300.001)

        answer = await in_memory.answer(request)

        assert answer.code == "expired"
        assert answer.said.beside == ()
        assert in_memory.failures == {}
        assert in_memory.hasher.verified == []

    async def test_enough_is_answered(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.login()
        in_memory.wait(300)

        assert (await in_memory.answer(request)).status == "accepted"


class TestALoginSaidAgain:
    async def test_as_the_same_record_gets_the_same_answer_as_long_as_it_is_kept(
        self, in_memory: IdentityInMemory
    ) -> None:
        request = in_memory.login()
        first = await in_memory.answer(request)
        in_memory.wait(10_000)

        again = await in_memory.answer(request)

        assert again.said.reply == first.said.reply
        assert again.said.beside == first.said.beside
        assert len(in_memory.identities.sessions) == 1

    async def test_in_a_new_record_gets_its_lost_answer_for_a_while(
        self, in_memory: IdentityInMemory
    ) -> None:
        request = in_memory.login()
        first = await in_memory.answer(request)
        in_memory.wait(10)

        again = await in_memory.answer(in_memory.again(request))

        assert again.body == first.body
        assert again.said.beside == ()
        assert len(in_memory.hasher.verified) == 1

    async def test_later_is_expired(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.login()
        await in_memory.answer(request)
        in_memory.wait(10.001)

        again = await in_memory.answer(in_memory.again(request))

        assert again.code == "expired"
        assert again.said.beside == ()
        assert len(in_memory.identities.sessions) == 1

    async def test_is_never_honoured_twice(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.login()
        await in_memory.answer(request)
        [kept] = in_memory.identities.answers.values()
        in_memory.now = kept.expires_at
        in_memory.identities.answers.clear()

        again = await in_memory.answer(in_memory.again(request))

        assert again.code == "seal_invalid"
        assert len(in_memory.identities.sessions) == 1

    async def test_after_a_wrong_guess_is_no_second_guess(
        self, in_memory: IdentityInMemory
    ) -> None:
        await in_memory.answer(in_memory.login(WRONG, "in-1"))
        in_memory.wait(1)
        again = await in_memory.answer(in_memory.login(PASSWORD, "in-1"))

        assert again.code == "request_id_conflict"
        assert in_memory.failures["user:alice"] == 1

    async def test_under_the_id_of_another_kind_of_request_is_refused(
        self, in_memory: IdentityInMemory
    ) -> None:
        await in_memory.answer(in_memory.login(request_id="one"))

        answer = await in_memory.answer(in_memory.refresh("whatever", "one"))

        assert answer.code == "request_id_conflict"

    @pytest.mark.parametrize("field", ["sealed_password", "reply_key", "source"])
    async def test_with_another_content_is_refused_and_audited(
        self, in_memory: IdentityInMemory, field: str
    ) -> None:
        request = in_memory.login(source="198.51.100.7")
        await in_memory.answer(request)
        other = {
            "sealed_password": sealed_password(in_memory.login()),
            "reply_key": ReplyKey(kty="OKP", crv="X25519", x="A" * 42 + "E"),
            "source": "203.0.113.9",
        }
        copied = cast("Login", request.request.model_copy(update={field: other[field]}))

        answer = await in_memory.answer(in_memory.asked(LOGIN, copied))

        assert answer.code == "request_id_conflict"
        assert [each["code"] for each in answer.audited] == ["request_id_conflict"]
        assert len(in_memory.identities.sessions) == 1

    async def test_with_another_trace_carries_its_own(self, in_memory: IdentityInMemory) -> None:
        request = in_memory.login()
        await in_memory.answer(request)
        trace = Trace(correlation_id="mine")

        answer = await in_memory.answer(replace(in_memory.again(request), trace=trace))

        assert ("correlation_id", b"mine") in answer.said.reply.headers
