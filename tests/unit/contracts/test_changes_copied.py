"""P9: a change of password is sealed as a whole, so that no part of it is of use to who copies it."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from contracts.passwords import ChangePassword, Passwords
from contracts.sealing import Purpose
from handlers.model.input_records import RequestRecord
from tests.unit.sealed import PASSWORD
from tests.unit.workers.identity.identity_in_memory import (
    WRONG,
    IdentityInMemory,
    identity_in_memory,
)

NEW = "a new sentence to remember"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[IdentityInMemory]:
    with identity_in_memory(tmp_path) as bench:
        yield bench


def copy_of(bench: IdentityInMemory, asked: RequestRecord, field: str, value: str) -> RequestRecord:
    """Return a copy of *asked* with another *field*, in a record of its own."""
    request = asked.request.model_copy(update={field: value})
    return bench.asked(asked.source.topic, cast("ChangePassword", request))


class TestAChange:
    @pytest.mark.parametrize("field", ["sealed_access_token", "sealed_passwords"])
    async def test_of_which_one_part_is_sealed_for_another_is_no_guess(
        self, bench: IdentityInMemory, field: str
    ) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        request = bench.change(token, PASSWORD, NEW)
        other = bench.change(token, PASSWORD, NEW, "ch-2")

        answer = await bench.answer(copy_of(bench, other, field, getattr(request.request, field)))

        assert answer.code == "seal_invalid"
        assert bench.failures == {}

    @pytest.mark.parametrize("text", ["", "null", "[]", '{"password": "x"}', '{"password": 1}'])
    async def test_of_what_is_no_pair_of_passwords_is_no_guess(
        self, bench: IdentityInMemory, text: str
    ) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        request = bench.change(token, PASSWORD, NEW)
        sealed = bench.sealed(text, Purpose.CHANGE_PASSWORDS, "ch-1")

        answer = await bench.answer(copy_of(bench, request, "sealed_passwords", sealed))

        assert answer.code == "seal_invalid"
        assert bench.failures == {}


class TestACopyWithAnotherNewPassword:
    """Whoever reads the topic and may write to it, but does not know the old password."""

    async def test_read_first_changes_nothing_and_the_owner_is_told(
        self, bench: IdentityInMemory
    ) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        owners = bench.change(token, PASSWORD, NEW)
        pair = Passwords(password=WRONG, new_password="mallory's own").to_seal()
        own = bench.sealed(pair, Purpose.CHANGE_PASSWORDS, "ch-1")
        before = bench.credential()

        copied = await bench.answer(copy_of(bench, owners, "sealed_passwords", own))
        bench.wait(2)
        answer = await bench.answer(owners)

        assert (copied.code, answer.code) == ("invalid_credentials", "request_id_conflict")
        assert bench.credential() == before
        assert [each["code"] for each in answer.audited] == ["request_id_conflict"]

    async def test_read_second_is_not_told_what_became_of_the_first(
        self, bench: IdentityInMemory
    ) -> None:
        token = (await bench.signed_in()).tokens["access_token"]
        owners = bench.change(token, PASSWORD, NEW)
        accepted = await bench.answer(owners)
        after = bench.credential()

        other = bench.sealed("x", Purpose.CHANGE_PASSWORDS, "ch-1")
        copied = await bench.answer(copy_of(bench, owners, "sealed_passwords", other))

        assert (accepted.status, copied.code) == ("accepted", "request_id_conflict")
        assert bench.credential() == after
