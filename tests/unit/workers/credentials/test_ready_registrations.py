"""Registrations with a hash of another system: stored as they are, many at once, and as safely."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.sealing import Purpose
from tests.unit.sealed import a_blob
from tests.unit.workers.credentials.in_memory import FIRST, HashingInMemory
from tests.unit.workers.credentials.test_imported_hashes import made
from workers.consuming.records import Raw
from workers.credentials.hashing import LowPriorityPool
from workers.credentials.portions import BATCH_HASHES_MAX, portion
from workers.credentials.ready_registrations import SLICE_RECORDS_MAX

HASH = made("scrypt")


@pytest.fixture
def hashing(tmp_path: Path) -> Iterator[HashingInMemory]:
    pool = LowPriorityPool("hashing", 1)
    yield HashingInMemory(tmp_path, pool)
    pool.close()


def sealed_hash(hashing: HashingInMemory, username: str) -> str:
    return a_blob(hashing.ring, HASH, username=username, purpose=Purpose.REGISTER_HASH)


def with_hash(hashing: HashingInMemory, offset: int, username: str) -> Raw:
    return hashing.waiting(offset, username, sealed_password=sealed_hash(hashing, username))


async def test_are_stored_as_they_came_and_answered(hashing: HashingInMemory) -> None:
    offsets = await hashing.worker.process([with_hash(hashing, 0, "alice")])

    stored = hashing.credentials.stored["alice"]
    assert (stored.hash, stored.imported) == (HASH, True)
    assert offsets == {FIRST: 1}
    assert hashing.answers.usernames() == ["alice"]


async def test_are_stored_by_one_call_however_many_they_are(hashing: HashingInMemory) -> None:
    names = [f"user-{n}" for n in range(SLICE_RECORDS_MAX + 1)]

    await hashing.worker.process([with_hash(hashing, n, name) for n, name in enumerate(names)])

    assert hashing.credentials.calls["insert"] == 1
    assert hashing.answers.usernames() == names


async def test_one_that_nobody_vouches_for_costs_itself_alone(hashing: HashingInMemory) -> None:
    hashing.record("alice")
    forged = hashing.forged(sealed_password=sealed_hash(hashing, "alice"), voucher="0" * 64)

    offsets = await hashing.worker.process([forged, with_hash(hashing, 1, "bob")])

    assert hashing.credentials.stored.keys() == {"bob"}
    assert offsets == {FIRST: 2}
    assert [letter["dlq_code"] for letter in hashing.buried()] == ["seal_invalid"]


async def test_a_hash_that_says_it_is_a_password_opens_for_nobody(hashing: HashingInMemory) -> None:
    """What is in the envelope is said on it, under the seal: neither is ever taken for the other."""
    sealed = a_blob(hashing.ring, HASH, username="alice")

    await hashing.worker.process([hashing.waiting(0, "alice", sealed_password=sealed)])

    stored = hashing.credentials.stored["alice"]
    assert not stored.imported
    assert stored.hash != HASH


async def test_sent_again_are_only_answered(hashing: HashingInMemory) -> None:
    await hashing.worker.process([with_hash(hashing, 0, "alice")])

    await hashing.worker.process([with_hash(hashing, 1, "alice")])

    assert hashing.credentials.calls["insert"] == 1
    assert hashing.answers.usernames() == ["alice", "alice"]


async def test_wait_where_the_store_is_away(hashing: HashingInMemory) -> None:
    record = with_hash(hashing, 0, "alice")
    hashing.credentials.away = True
    away = await hashing.worker.process([record])
    hashing.credentials.away = False

    back = await hashing.worker.process([record])

    assert (away, back) == ({FIRST: 0}, {FIRST: 1})


async def test_a_bug_costs_its_own_record_alone(hashing: HashingInMemory) -> None:
    hashing.credentials.broken_for = {"alice"}
    records = [with_hash(hashing, 0, "bob"), with_hash(hashing, 1, "alice")]

    offsets = await hashing.worker.process(records)

    assert offsets == {FIRST: 1}
    assert hashing.answers.usernames() == ["bob"]


class TestPortion:
    def test_takes_few_passwords_and_nothing_behind_them(self, hashing: HashingInMemory) -> None:
        passwords = [hashing.waiting(n, f"user-{n}") for n in range(BATCH_HASHES_MAX + 1)]
        records = [*passwords, with_hash(hashing, 9, "alice")]

        now, later = portion(records, threads=1)

        assert now == records[:BATCH_HASHES_MAX]
        assert later == records[BATCH_HASHES_MAX:]

    def test_takes_any_number_that_needs_no_hashing(self, hashing: HashingInMemory) -> None:
        records = [with_hash(hashing, n, f"user-{n}") for n in range(3 * BATCH_HASHES_MAX)]

        assert portion(records, threads=1) == (records, [])
