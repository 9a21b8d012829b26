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
from workers.credentials.hash_registrations import ATTEMPTS_MAX, KEY_PATIENCE_S
from workers.keys.ring import CHECK_INTERVAL_S, new_key


class TestARegistration:
    async def test_gets_its_credential_then_its_answer(self, bench: HashingInMemory) -> None:
        offsets = await bench.worker.process([bench.waiting(7)])

        stored = bench.credentials.stored["alice"]
        [(answer, reply_to)] = bench.answers.sent
        assert verifies(PASSWORD, stored.hash)
        assert (stored.command_id, stored.created_at) == ("1", NOON)
        assert answer.topic == "accounts.results"
        assert answer.key == b"alice"
        assert json.loads(answer.value) == ANSWER
        assert dict(answer.headers)["correlation_id"] == b"1"
        assert reply_to is None
        assert offsets == {FIRST: 8}
        assert not bench.progress.busy

    async def test_is_answered_where_its_sender_wants_it(self, bench: HashingInMemory) -> None:
        await bench.worker.process([bench.waiting(reply_to="accounts.replies.shop")])

        [(_, reply_to)] = bench.answers.sent
        assert reply_to == "accounts.replies.shop"

    async def test_sent_again_is_only_answered(self, bench: HashingInMemory) -> None:
        await bench.worker.process([bench.waiting()])
        before = bench.credentials.stored["alice"]
        other = bench.waiting(1, sealed_password=a_blob(bench.ring, "another password"))

        offsets = await bench.another_worker().process([other])

        assert bench.credentials.stored["alice"] is before
        assert bench.credentials.calls["insert"] == 1
        assert len(bench.answers.sent) == 2
        assert offsets == {FIRST: 2}

    async def test_sent_twice_in_a_batch_is_hashed_once(self, bench: HashingInMemory) -> None:
        other = bench.waiting(1, sealed_password=a_blob(bench.ring, "another password"))

        await bench.worker.process([bench.waiting(0), other])

        assert verifies(PASSWORD, bench.credentials.stored["alice"].hash)
        assert bench.credentials.calls["insert"] == 1
        assert len(bench.answers.sent) == 2

    async def test_is_hashed_in_the_form_it_was_judged_in(self, bench: HashingInMemory) -> None:
        typed = a_blob(bench.ring, "Cafe\u0301-\uff11\ufb01-more")

        await bench.worker.process([bench.waiting(sealed_password=typed)])

        assert verifies("Caf\u00e9-1fi-more", bench.credentials.stored["alice"].hash)


async def test_a_replay_costs_one_look_up_and_no_hash(bench: HashingInMemory) -> None:
    batch = [bench.waiting(n, f"user-{n}") for n in range(8)]
    await bench.worker.process(batch)
    bench.credentials.calls.clear()
    bench.credentials.settled.clear()

    offsets = await bench.another_worker().process(batch)

    assert bench.credentials.calls == {"existing": 1, "settle": 1}
    assert bench.credentials.settled == {f"user-{n}" for n in range(8)}
    assert offsets == {FIRST: 8}


class TestACrash:
    async def test_between_insert_and_answer_is_made_up_for(self, bench: HashingInMemory) -> None:
        bench.answers.away = True
        crashed = await bench.worker.process([bench.waiting(3)])
        bench.answers.away = False

        again = await bench.another_worker().process([bench.waiting(3)])

        assert crashed == {FIRST: 3}
        assert again == {FIRST: 4}
        assert bench.answers.usernames() == ["alice"]
        assert bench.credentials.calls["insert"] == 1

    async def test_of_the_store_commits_nothing_and_names_the_wait(
        self, bench: HashingInMemory
    ) -> None:
        bench.credentials.away = True

        offsets = await bench.worker.process([bench.waiting(3)])

        assert offsets == {FIRST: 3}
        assert bench.progress.waiting_for == "mongodb"
        assert bench.progress.busy
        assert bench.answers.sent == []

    async def test_of_kafka_names_the_wait(self, bench: HashingInMemory) -> None:
        bench.answers.away = True

        await bench.worker.process([bench.waiting(3)])

        assert bench.progress.waiting_for == "kafka"


class TestCommitting:
    async def test_keeps_one_users_records_in_order(self, bench: HashingInMemory) -> None:
        bench.credentials.broken_for = {"alice"}

        offsets = await bench.worker.process([bench.waiting(0), bench.waiting(1)])

        assert bench.credentials.calls["insert"] == 1
        assert offsets == {FIRST: 0}

    async def test_stops_at_the_first_that_is_not_answered(self, bench: HashingInMemory) -> None:
        bench.credentials.broken_for = {"user-1"}
        batch = [bench.waiting(n, f"user-{n}") for n in range(3)]

        offsets = await bench.worker.process(batch)

        assert offsets == {FIRST: 1}
        assert sorted(bench.answers.usernames()) == ["user-0", "user-2"]

    async def test_does_not_answer_again_what_waits_behind(self, bench: HashingInMemory) -> None:
        bench.credentials.broken_for = {"user-1"}
        batch = [bench.waiting(n, f"user-{n}") for n in range(3)]
        await bench.worker.process(batch)
        bench.credentials.broken_for = set()

        offsets = await bench.worker.process(batch[1:])

        assert offsets == {FIRST: 3}
        assert sorted(bench.answers.usernames()) == ["user-0", "user-1", "user-2"]

    async def test_is_per_partition(self, bench: HashingInMemory) -> None:
        bench.credentials.broken_for = {"user-0"}
        second = bench.waiting(5, "user-1")
        second.partition = 1

        offsets = await bench.worker.process([bench.waiting(0, "user-0"), second])

        assert offsets == {FIRST: 0, TopicPartition(TOPIC, 1): 6}

    async def test_forgets_with_the_assignment(self, bench: HashingInMemory) -> None:
        bench.credentials.broken_for = {"user-0"}
        batch = [bench.waiting(n, f"user-{n}") for n in range(2)]
        await bench.worker.process(batch)
        bench.worker.forget()

        await bench.worker.process(batch)

        assert bench.answers.usernames() == ["user-1", "user-1"]


class TestABugOfOurs:
    async def test_costs_one_record_after_a_few_tries(
        self, bench: HashingInMemory, caplog: pytest.LogCaptureFixture
    ) -> None:
        bench.credentials.broken_for = {"alice"}
        record = bench.waiting(0)

        offsets = [await bench.worker.process([record]) for _ in range(ATTEMPTS_MAX)]

        [letter] = bench.buried()
        assert offsets == [{FIRST: 0}] * (ATTEMPTS_MAX - 1) + [{FIRST: 1}]
        assert letter[DlqHeader.CODE] == "internal_error"
        assert CANARY not in caplog.text + str(letter)


class TestABlobThatDoesNotOpen:
    async def test_becomes_a_dead_letter_and_is_not_answered(self, bench: HashingInMemory) -> None:
        record = bench.waiting(4, sealed_password=a_blob(bench.ring, username="mallory"))

        offsets = await bench.worker.process([record])

        [(letter, _)] = bench.answers.sent
        assert offsets == {FIRST: 5}
        assert bench.buried()[0][DlqHeader.CODE] == "seal_invalid"
        assert WithheldValue.model_validate_json(letter.value).offset == 4
        assert bench.credentials.stored == {}
        alerts = bench.metrics.registry.get_sample_value(
            "accounts_dead_letters_total", {"topic": TOPIC, "code": "seal_invalid"}
        )
        assert alerts == 1

    async def test_can_be_made_good_by_sending_again(self, bench: HashingInMemory) -> None:
        bad = bench.waiting(0, sealed_password=a_blob(bench.ring, username="mallory"))

        await bench.worker.process([bad, bench.waiting(1)])

        assert "alice" in bench.credentials.stored

    async def test_waits_a_while_for_a_key_on_its_way(
        self, bench: HashingInMemory, tmp_path: Path
    ) -> None:
        elsewhere = a_ring(tmp_path / "elsewhere")
        blob = a_blob(elsewhere)
        voucher = bench.voucher(bench.record(), blob, elsewhere)
        record = bench.forged(0, sealed_password=blob, voucher=voucher)

        early = await bench.worker.process([record])
        waited_for = bench.progress.waiting_for
        (file,) = (tmp_path / "elsewhere").iterdir()
        file.rename(bench.keys / file.name)
        bench.now_s += CHECK_INTERVAL_S
        late = await bench.worker.process([record])

        assert (early, waited_for) == ({FIRST: 0}, "keys")
        assert late == {FIRST: 1}
        assert bench.answers.usernames() == ["alice"]

    async def test_does_not_wait_for_ever_nor_once_per_record(
        self, bench: HashingInMemory, tmp_path: Path
    ) -> None:
        elsewhere = a_ring(tmp_path / "elsewhere")
        record = bench.waiting(0, sealed_password=a_blob(elsewhere))
        await bench.worker.process([record])
        bench.now_s += KEY_PATIENCE_S
        other = bench.waiting(1, username="bob", sealed_password=a_blob(elsewhere, username="bob"))

        offsets = await bench.worker.process([record, other])

        assert offsets == {FIRST: 2}
        assert [letter[DlqHeader.CODE] for letter in bench.buried()] == ["seal_invalid"] * 2

    async def test_of_a_retired_key_is_no_such_blob(self, bench: HashingInMemory) -> None:
        record = bench.waiting()
        new_key(bench.keys, NOON.replace(year=2031))
        bench.now_s += CHECK_INTERVAL_S

        await bench.worker.process([record])

        assert "alice" in bench.credentials.stored


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
    bench: HashingInMemory, value: bytes | None, key: bytes | None
) -> None:
    offsets = await bench.worker.process([a_record(value, 0, key), bench.waiting(1)])

    [letter] = bench.buried()
    assert offsets == {FIRST: 2}
    assert letter[DlqHeader.CODE] == "invalid_command"
    assert CANARY not in str(bench.answers.sent)
    assert "alice" in bench.credentials.stored


@pytest.mark.parametrize("key", [None, b"mallory", b"\xff"])
async def test_a_record_under_another_key_is_not_believed(
    bench: HashingInMemory, key: bytes | None
) -> None:
    record = bench.waiting()
    record.key = key

    await bench.worker.process([record])

    assert bench.credentials.stored == {}
    assert len(bench.buried()) == 1


async def test_no_password_is_seen_anywhere(
    bench: HashingInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    blob = a_blob(bench.ring, CANARY)
    bench.credentials.broken_for = {"alice"}
    record = bench.waiting(sealed_password=blob)

    for _ in range(ATTEMPTS_MAX):
        await bench.worker.process([record])

    shown = caplog.text + str(bench.answers.sent) + repr(bench.worker) + repr(bench.progress)
    assert CANARY not in shown
    assert blob not in json.dumps(bench.buried())
