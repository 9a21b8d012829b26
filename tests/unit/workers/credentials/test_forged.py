"""P9: what stands on the topic of pending credentials is believed only as far as it is recorded."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.codes import Code
from contracts.dead_letters import DlqHeader
from handlers.model.corrupt import CorruptDocument
from storage.ports.credentials import Credential
from tests.unit.sealed import NOON, a_blob
from tests.unit.workers.credentials.in_memory import ANSWER, FIRST, HashingInMemory


class TestARecordThatNoLedgerWorkerWrote:
    """Whoever can write to this topic, and knows all that callers and subscribers can see."""

    async def test_of_nobody_gives_no_sign_in(self, hashing: HashingInMemory) -> None:
        offsets = await hashing.worker.process([hashing.forged(4)])

        assert hashing.credentials.stored == {}
        assert [letter[DlqHeader.CODE] for letter in hashing.buried()] == ["invalid_command"]
        assert len(hashing.answers.sent) == 1, "nobody is told that an account was opened"
        assert offsets == {FIRST: 5}

    @pytest.mark.parametrize(
        "recorded",
        [{"code": Code.EMAIL_TAKEN}, {"type": "update-profile"}, {"command_id": "another"}],
    )
    async def test_of_what_opened_no_account_gives_no_sign_in(
        self, hashing: HashingInMemory, recorded: dict[str, Any]
    ) -> None:
        outcome = hashing.record(**recorded)
        voucher = hashing.voucher(replace(outcome, command_id="1"), hashing.blob("alice"))

        await hashing.worker.process([hashing.forged(voucher=voucher)])

        assert hashing.credentials.stored == {}
        assert [letter[DlqHeader.CODE] for letter in hashing.buried()] == ["invalid_command"]

    @pytest.mark.parametrize("other", ["password", "fingerprint", "user", "none"])
    async def test_with_a_password_of_its_own_takes_no_account_over(
        self, hashing: HashingInMemory, other: str
    ) -> None:
        """A copy of a real record, with what may be changed in it."""
        recorded = hashing.record()
        mine = a_blob(hashing.ring, "mallory's own")
        vouchers = {
            "password": hashing.voucher(recorded),
            "fingerprint": hashing.voucher(replace(recorded, fingerprint=bytes(16)), mine),
            "user": hashing.voucher(hashing.record("mallory"), mine),
            "none": None,
        }

        await hashing.worker.process(
            [hashing.forged(sealed_password=mine, voucher=vouchers[other])]
        )

        assert hashing.credentials.stored == {}
        assert [letter[DlqHeader.CODE] for letter in hashing.buried()] == ["seal_invalid"]

    async def test_says_nothing_that_is_not_recorded(self, hashing: HashingInMemory) -> None:
        hashing.record()
        claimed = {"status": "accepted", "entry": {"amount": "1000.00"}}
        headers = {"ce_type": "accounts.balance-changed.v1", "correlation_id": "hers"}
        await hashing.worker.process([hashing.waiting()])
        forged = hashing.forged(
            1, headers=headers, reply_to="accounts.replies.shop", result=claimed
        )

        await hashing.worker.process([forged])

        [_, (answer, _)] = hashing.answers.sent
        assert json.loads(answer.value) == ANSWER
        assert dict(answer.headers)["ce_type"] == b"accounts.result.v2"

    async def test_that_set_a_credential_before_is_not_answered_as_another(
        self, hashing: HashingInMemory
    ) -> None:
        """One that an earlier release believed: the user must not be told that it is theirs."""
        hers = Credential(username="alice", command_id="forged", hash="$x$", created_at=NOON)
        hashing.credentials.stored["alice"] = hers

        offsets = await hashing.worker.process([hashing.waiting()])

        assert hashing.credentials.stored == {"alice": hers}
        assert "alice" not in hashing.credentials.settled, "its account still waits, which alerts"
        assert [letter[DlqHeader.CODE] for letter in hashing.buried()] == ["account_unreadable"]
        assert offsets == {FIRST: 1}


async def test_a_damaged_record_of_the_registration_costs_that_user_alone(
    hashing: HashingInMemory,
) -> None:
    damaged = CorruptDocument(collection="outcomes", id="alice:1", username="alice", field="type")
    records = [hashing.waiting(0), hashing.waiting(1, "bob")]
    hashing.ledger.corrupt["outcomes", "alice:1"] = damaged

    await hashing.worker.process(records)

    assert hashing.credentials.stored.keys() == {"bob"}
    assert [letter[DlqHeader.CODE] for letter in hashing.buried()] == ["account_unreadable"]


async def test_a_repeat_is_answered_with_its_own_trace(hashing: HashingInMemory) -> None:
    repeat = hashing.waiting(
        1, result=ANSWER | {"duplicate": True}, headers={"correlation_id": "second"}
    )

    await hashing.worker.process([hashing.waiting(0), repeat])

    first, second = (answer for answer, _ in hashing.answers.sent)
    assert [json.loads(each.value)["duplicate"] for each in (first, second)] == [False, True]
    assert dict(second.headers)["correlation_id"] == b"second"
    assert dict(first.headers)["correlation_id"] == b"1"
