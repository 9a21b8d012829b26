"""P9: a change of password is sealed as a whole, so that no part of it is of use to who copies it."""

from typing import cast

import pytest

from contracts.passwords import ChangePassword, Passwords
from contracts.sealing import Purpose
from handlers.model.input_records import RequestRecord
from tests.unit.sealed import PASSWORD
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    IdentityInMemory,
)

NEW = "a new sentence to remember"


def copy_of(
    in_memory: IdentityInMemory, asked: RequestRecord, field: str, value: str
) -> RequestRecord:
    """Return a copy of *asked* with another *field*, in a record of its own."""
    request = asked.request.model_copy(update={field: value})
    return in_memory.asked(asked.source.topic, cast("ChangePassword", request))


class TestAChange:
    @pytest.mark.parametrize("field", ["sealed_access_token", "sealed_passwords"])
    async def test_of_which_one_part_is_sealed_for_another_is_no_guess(
        self, in_memory: IdentityInMemory, field: str
    ) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        request = in_memory.change(token, PASSWORD, NEW)
        other = in_memory.change(token, PASSWORD, NEW, "ch-2")

        answer = await in_memory.answer(
            copy_of(in_memory, other, field, getattr(request.request, field))
        )

        assert answer.code == "seal_invalid"
        assert in_memory.failures == {}

    @pytest.mark.parametrize("text", ["", "null", "[]", '{"password": "x"}', '{"password": 1}'])
    async def test_of_what_is_no_pair_of_passwords_is_no_guess(
        self, in_memory: IdentityInMemory, text: str
    ) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        request = in_memory.change(token, PASSWORD, NEW)
        sealed = in_memory.sealed(text, Purpose.CHANGE_PASSWORDS, "ch-1")

        answer = await in_memory.answer(copy_of(in_memory, request, "sealed_passwords", sealed))

        assert answer.code == "seal_invalid"
        assert in_memory.failures == {}


class TestACopyWithAnotherNewPassword:
    """Whoever reads the topic and may write to it, but does not know the old password."""

    async def test_read_first_changes_nothing_and_the_owner_is_told(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        owners = in_memory.change(token, PASSWORD, NEW)
        pair = Passwords(password=WRONG, new_password="mallory's own").to_seal()
        own = in_memory.sealed(pair, Purpose.CHANGE_PASSWORDS, "ch-1")
        before = in_memory.credential()

        copied = await in_memory.answer(copy_of(in_memory, owners, "sealed_passwords", own))
        in_memory.wait(2)
        answer = await in_memory.answer(owners)

        assert (copied.code, answer.code) == ("invalid_credentials", "request_id_conflict")
        assert in_memory.credential() == before
        assert [each["code"] for each in answer.audited] == ["request_id_conflict"]

    async def test_read_second_is_not_told_what_became_of_the_first(
        self, in_memory: IdentityInMemory
    ) -> None:
        token = (await in_memory.signed_in()).tokens["access_token"]
        owners = in_memory.change(token, PASSWORD, NEW)
        accepted = await in_memory.answer(owners)
        after = in_memory.credential()

        other = in_memory.sealed("x", Purpose.CHANGE_PASSWORDS, "ch-1")
        copied = await in_memory.answer(copy_of(in_memory, owners, "sealed_passwords", other))

        assert (accepted.status, copied.code) == ("accepted", "request_id_conflict")
        assert in_memory.credential() == after
