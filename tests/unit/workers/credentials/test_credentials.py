"""From an accepted registration to its credential and answer (P4, P9)."""

import json
import logging
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from contracts.dead_letters import DlqHeader, WithheldValue
from tests.unit.sealed import CANARY, NOON, PASSWORD, a_blob, a_ring
from tests.unit.workers.credentials.in_memory import ANSWER, FIRST, TOPIC, HashingInMemory, a_record
from tests.unit.workers.credentials.test_hashing import verifies
from workers.credentials.awaited_keys import KEY_PATIENCE_S
from workers.credentials.hash_registrations import ATTEMPTS_MAX
from workers.keys.ring import CHECK_INTERVAL_S, new_key


class TestARegistration:
    async def test_gets_its_credential_then_its_answer(self, hashing: HashingInMemory) -> None:
        offsets = await hashing.worker.process([hashing.waiting(7)])

        stored = hashing.credentials.stored["alice"]
        [(answer, reply_to)] = hashing.answers.sent
        assert verifies(PASSWORD, stored.hash)
        assert (stored.command_id, stored.created_at) == ("1", NOON)
        assert answer.topic == "accounts.results"
        assert answer.key == b"alice"
        assert json.loads(answer.value) == ANSWER
        assert dict(answer.headers)["correlation_id"] == b"1"
        assert reply_to is None
        assert offsets == {FIRST: 8}
        assert not hashing.progress.busy

    async def test_is_answered_where_its_sender_wants_it(self, hashing: HashingInMemory) -> None:
        await hashing.worker.process([hashing.waiting(reply_to="accounts.replies.shop")])

        [(_, reply_to)] = hashing.answers.sent
        assert reply_to == "accounts.replies.shop"

    async def test_sent_again_is_only_answered(self, hashing: HashingInMemory) -> None:
        await hashing.worker.process([hashing.waiting()])
        before = hashing.credentials.stored["alice"]
        other = hashing.waiting(1, sealed_password=a_blob(hashing.ring, "another password"))

        offsets = await hashing.another_worker().process([other])

        assert hashing.credentials.stored["alice"] is before
        assert hashing.credentials.calls["insert"] == 1
        assert len(hashing.answers.sent) == 2
        assert offsets == {FIRST: 2}

    async def test_sent_twice_in_a_batch_is_hashed_once(self, hashing: HashingInMemory) -> None:
        other = hashing.waiting(1, sealed_password=a_blob(hashing.ring, "another password"))

        await hashing.worker.process([hashing.waiting(0), other])

        assert verifies(PASSWORD, hashing.credentials.stored["alice"].hash)
        assert hashing.credentials.calls["insert"] == 1
        assert len(hashing.answers.sent) == 2

    async def test_is_hashed_in_the_form_it_was_judged_in(self, hashing: HashingInMemory) -> None:
        typed = a_blob(hashing.ring, "Cafe\u0301-\uff11\ufb01-more")

        await hashing.worker.process([hashing.waiting(sealed_password=typed)])

        assert verifies("Caf\u00e9-1fi-more", hashing.credentials.stored["alice"].hash)


async def test_a_replay_costs_one_look_up_and_no_hash(hashing: HashingInMemory) -> None:
    batch = [hashing.waiting(n, f"user-{n}") for n in range(8)]
    await hashing.worker.process(batch)
    hashing.credentials.calls.clear()
    hashing.credentials.settled.clear()

    offsets = await hashing.another_worker().process(batch)

    assert hashing.credentials.calls == {"existing": 1, "settle": 1}
    assert hashing.credentials.settled == {f"user-{n}" for n in range(8)}
    assert offsets == {FIRST: 8}


class TestACrash:
    async def test_between_insert_and_answer_is_made_up_for(self, hashing: HashingInMemory) -> None:
        hashing.answers.away = True
        crashed = await hashing.worker.process([hashing.waiting(3)])
        hashing.answers.away = False

        again = await hashing.another_worker().process([hashing.waiting(3)])

        assert crashed == {FIRST: 3}
        assert again == {FIRST: 4}
        assert hashing.answers.usernames() == ["alice"]
        assert hashing.credentials.calls["insert"] == 1

    async def test_of_the_store_commits_nothing_and_names_the_wait(
        self, hashing: HashingInMemory
    ) -> None:
        hashing.credentials.away = True

        offsets = await hashing.worker.process([hashing.waiting(3)])

        assert offsets == {FIRST: 3}
        assert hashing.progress.waiting_for == "mongodb"
        assert hashing.progress.busy
        assert hashing.answers.sent == []

    async def test_of_kafka_names_the_wait(self, hashing: HashingInMemory) -> None:
        hashing.answers.away = True

        await hashing.worker.process([hashing.waiting(3)])

        assert hashing.progress.waiting_for == "kafka"


class TestCommitting:
    async def test_keeps_one_users_records_in_order(self, hashing: HashingInMemory) -> None:
        hashing.credentials.broken_for = {"alice"}

        offsets = await hashing.worker.process([hashing.waiting(0), hashing.waiting(1)])

        assert hashing.credentials.calls["insert"] == 1
        assert offsets == {FIRST: 0}

    async def test_stops_at_the_first_that_is_not_answered(self, hashing: HashingInMemory) -> None:
        hashing.credentials.broken_for = {"user-1"}
        batch = [hashing.waiting(n, f"user-{n}") for n in range(3)]

        offsets = await hashing.worker.process(batch)

        assert offsets == {FIRST: 1}
        assert sorted(hashing.answers.usernames()) == ["user-0", "user-2"]

    async def test_does_not_answer_again_what_waits_behind(self, hashing: HashingInMemory) -> None:
        hashing.credentials.broken_for = {"user-1"}
        batch = [hashing.waiting(n, f"user-{n}") for n in range(3)]
        await hashing.worker.process(batch)
        hashing.credentials.broken_for = set()

        offsets = await hashing.worker.process(batch[1:])

        assert offsets == {FIRST: 3}
        assert sorted(hashing.answers.usernames()) == ["user-0", "user-1", "user-2"]

    async def test_is_per_partition(self, hashing: HashingInMemory) -> None:
        hashing.credentials.broken_for = {"user-0"}
        second = hashing.waiting(5, "user-1")
        second.partition = 1

        offsets = await hashing.worker.process([hashing.waiting(0, "user-0"), second])

        assert offsets == {FIRST: 0, TopicPartition(TOPIC, 1): 6}

    async def test_forgets_with_the_assignment(self, hashing: HashingInMemory) -> None:
        hashing.credentials.broken_for = {"user-0"}
        batch = [hashing.waiting(n, f"user-{n}") for n in range(2)]
        await hashing.worker.process(batch)
        hashing.worker.forget()

        await hashing.worker.process(batch)

        assert hashing.answers.usernames() == ["user-1", "user-1"]


class TestABugOfOurs:
    async def test_costs_one_record_after_a_few_tries(
        self, hashing: HashingInMemory, caplog: pytest.LogCaptureFixture
    ) -> None:
        hashing.credentials.broken_for = {"alice"}
        record = hashing.waiting(0)

        offsets = [await hashing.worker.process([record]) for _ in range(ATTEMPTS_MAX)]

        [letter] = hashing.buried()
        assert offsets == [{FIRST: 0}] * (ATTEMPTS_MAX - 1) + [{FIRST: 1}]
        assert letter[DlqHeader.CODE] == "internal_error"
        assert CANARY not in caplog.text + str(letter)


class TestABlobThatDoesNotOpen:
    async def test_becomes_a_dead_letter_and_is_not_answered(
        self, hashing: HashingInMemory
    ) -> None:
        record = hashing.waiting(4, sealed_password=a_blob(hashing.ring, username="mallory"))

        offsets = await hashing.worker.process([record])

        [(letter, _)] = hashing.answers.sent
        assert offsets == {FIRST: 5}
        assert hashing.buried()[0][DlqHeader.CODE] == "seal_invalid"
        assert WithheldValue.model_validate_json(letter.value).offset == 4
        assert hashing.credentials.stored == {}
        alerts = hashing.metrics.registry.get_sample_value(
            "accounts_dead_letters_total", {"topic": TOPIC, "code": "seal_invalid"}
        )
        assert alerts == 1

    async def test_can_be_made_good_by_sending_again(self, hashing: HashingInMemory) -> None:
        bad = hashing.waiting(0, sealed_password=a_blob(hashing.ring, username="mallory"))

        await hashing.worker.process([bad, hashing.waiting(1)])

        assert "alice" in hashing.credentials.stored

    async def test_waits_a_while_for_a_key_on_its_way(
        self, hashing: HashingInMemory, tmp_path: Path
    ) -> None:
        elsewhere = a_ring(tmp_path / "elsewhere")
        blob = a_blob(elsewhere)
        voucher = hashing.voucher(hashing.record(), blob, elsewhere)
        record = hashing.forged(0, sealed_password=blob, voucher=voucher)

        early = await hashing.worker.process([record])
        waited_for = hashing.progress.waiting_for
        (file,) = (tmp_path / "elsewhere").iterdir()
        file.rename(hashing.keys / file.name)
        hashing.now_s += CHECK_INTERVAL_S
        late = await hashing.worker.process([record])

        assert (early, waited_for) == ({FIRST: 0}, "keys")
        assert late == {FIRST: 1}
        assert hashing.answers.usernames() == ["alice"]

    async def test_does_not_wait_for_ever_nor_once_per_record(
        self, hashing: HashingInMemory, tmp_path: Path
    ) -> None:
        elsewhere = a_ring(tmp_path / "elsewhere")
        record = hashing.waiting(0, sealed_password=a_blob(elsewhere))
        await hashing.worker.process([record])
        hashing.now_s += KEY_PATIENCE_S
        other = hashing.waiting(
            1, username="bob", sealed_password=a_blob(elsewhere, username="bob")
        )

        offsets = await hashing.worker.process([record, other])

        assert offsets == {FIRST: 2}
        assert [letter[DlqHeader.CODE] for letter in hashing.buried()] == ["seal_invalid"] * 2

    async def test_of_a_retired_key_is_no_such_blob(self, hashing: HashingInMemory) -> None:
        record = hashing.waiting()
        new_key(hashing.keys, NOON.replace(year=2031))
        hashing.now_s += CHECK_INTERVAL_S

        await hashing.worker.process([record])

        assert "alice" in hashing.credentials.stored


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, b"alice"),
        (b"", b"alice"),
        (b"not json " + CANARY.encode(), b"alice"),
        (b"[]", b"alice"),
        (b'{"username": "' + CANARY.encode() + b'"}', b"alice"),
        (b"\xff\xfe", None),
    ],
)
async def test_what_is_unreadable_becomes_a_dead_letter(
    hashing: HashingInMemory, value: bytes | None, key: bytes | None
) -> None:
    offsets = await hashing.worker.process([a_record(value, 0, key), hashing.waiting(1)])

    [letter] = hashing.buried()
    assert offsets == {FIRST: 2}
    assert letter[DlqHeader.CODE] == "invalid_command"
    assert CANARY not in str(hashing.answers.sent)
    assert "alice" in hashing.credentials.stored


@pytest.mark.parametrize("key", [None, b"mallory", b"\xff"])
async def test_a_record_under_another_key_is_not_believed(
    hashing: HashingInMemory, key: bytes | None
) -> None:
    record = hashing.waiting()
    record.key = key

    await hashing.worker.process([record])

    assert hashing.credentials.stored == {}
    assert len(hashing.buried()) == 1


async def test_no_password_is_seen_anywhere(
    hashing: HashingInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    blob = a_blob(hashing.ring, CANARY)
    hashing.credentials.broken_for = {"alice"}
    record = hashing.waiting(sealed_password=blob)

    for _ in range(ATTEMPTS_MAX):
        await hashing.worker.process([record])

    shown = caplog.text + str(hashing.answers.sent) + repr(hashing.worker) + repr(hashing.progress)
    assert CANARY not in shown
    assert blob not in json.dumps(hashing.buried())
