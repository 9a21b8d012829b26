"""What the reading benchmark puts into the store, and asks for."""

import orjson
import pytest

from benchmarks import books, reads
from benchmarks.paced import Job, Probe
from benchmarks.traffic import questions, username
from contracts.queries import GetBalance
from handlers.history.pages import PageBuilder, sequence_of, walk
from handlers.history.verification import Recount

JOB = Job(kafka="", prefix="accounts.", users=5, name="run", count=4, warmup=1, rate=1, reads=True)


@pytest.mark.parametrize("entries", [1, 2, 50])
def test_the_books_are_right(entries: int) -> None:
    heads: dict[str, bytes | None] = {}
    history = [*books.history("alice", entries, heads)]
    account = books.account("alice", entries, heads["alice"])
    recount = Recount(account)

    for outcome in history:
        recount.add(outcome)

    assert recount.finish() == []
    assert account.published_sequence == account.sequence


def test_questions_are_valid_and_reproducible() -> None:
    first, second = (list(questions(users=5, count=50, name="run")) for _ in range(2))
    read = [GetBalance.model_validate_json(each.value) for each in first]

    assert first == second
    assert [each.username for each in read] == [username(each.user) for each in first]
    assert len({each.request_id for each in read}) == 50


def test_replies_are_matched_to_questions() -> None:
    probe = Probe(JOB)

    for value in (
        {"request_id": "run-2", "status": "accepted"},
        {"request_id": "other-1", "status": "accepted"},
        {"command_id": "run-1", "status": "accepted"},
        {"request_id": "run-3", "status": "rejected"},
    ):
        probe.see(orjson.dumps(value), 1.0)

    assert probe.seen_s == [None, None, 1.0, 1.0]
    assert (probe.missing, probe.rejected) == (2, 1)


def test_the_last_page_begins_behind_all_others() -> None:
    query = reads.page_query(reads.PAGES[-1])

    assert reads.PAGES == (1, 1000)
    assert isinstance(walk(query), PageBuilder)
    assert sequence_of(query) == reads.PAGE_LIMIT + 1
