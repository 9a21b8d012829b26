"""What the checker is there to find, it finds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.headers import REPLY_TO
from contracts.topics import AUDIT_EVENTS, BALANCE_EVENTS, BALANCES, DEPOSIT, GET_BALANCE, RESULTS
from tests.simulation import runs
from tests.simulation.checker.commits import check_commits
from tests.simulation.checker.evidence import (
    PREFIX,
    Document,
    Evidence,
    Stood,
    Transaction,
    Versions,
)
from tests.simulation.checker.expiry import check_expiry
from tests.simulation.checker.late_states import check_late_states
from tests.simulation.checker.order import check_order
from tests.simulation.clocks import EPOCH
from tests.simulation.exhaustive import short_histories
from tests.simulation.history import Blow, Disturbance, History
from tests.simulation.kafka.cluster import OffsetCommit


@pytest.fixture
def evidence(monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """What a history leaves behind in which nothing went wrong."""
    return kept_by(monkeypatch, short_histories()[0])


def kept_by(monkeypatch: pytest.MonkeyPatch, history: History) -> Evidence:
    """Run *history*, and return what it leaves behind."""
    found: list[Evidence] = []
    made = runs.evidence_of

    def kept(*given: object) -> Evidence:
        found.append(made(*given))  # type: ignore[arg-type]
        return found[0]

    monkeypatch.setattr(runs, "evidence_of", kept)
    assert not runs.run(history).violations
    return found[0]


def broken(evidence: Evidence, topic: str, records: Sequence[Stood]) -> set[str]:
    """Return which promises are broken where *records* stand on *topic*."""
    return found_in(replace(evidence, topics={**evidence.topics, topic: records}))


def found_in(evidence: Evidence) -> set[str]:
    """Return which promises are broken."""
    return {each.partition(":")[0] for check in runs.CHECKS for each in check(evidence)}


def test_nothing_is_wrong_at_first(evidence: Evidence) -> None:
    assert broken(evidence, RESULTS.name, evidence.topics[RESULTS.name]) == set()


def test_finds_an_answer_that_is_missing(evidence: Evidence) -> None:
    assert "P4" in broken(evidence, RESULTS.name, evidence.topics[RESULTS.name][1:])


def test_finds_an_audit_event_that_is_missing(evidence: Evidence) -> None:
    assert "P4" in broken(evidence, AUDIT_EVENTS.name, evidence.topics[AUDIT_EVENTS.name][1:])


def test_finds_a_gap_among_events(evidence: Evidence) -> None:
    assert "P5" in broken(evidence, BALANCE_EVENTS.name, evidence.topics[BALANCE_EVENTS.name][1:])


def test_finds_an_old_state(evidence: Evidence) -> None:
    states = evidence.topics[BALANCES.name]

    assert "P5" in broken(evidence, BALANCES.name, [*states, states[0]])


def test_finds_another_amount(evidence: Evidence) -> None:
    events = evidence.topics[BALANCE_EVENTS.name]
    value = (events[0].value or b"").replace(b"10.00", b"11.00")

    found = broken(evidence, BALANCE_EVENTS.name, [replace(events[0], value=value), *events[1:]])

    assert {"P2", "P18"} <= found


def test_finds_a_second_answer(evidence: Evidence) -> None:
    results = evidence.topics[RESULTS.name]
    value = (results[0].value or b"").replace(b"accepted", b"rejected")

    assert "P3" in broken(evidence, RESULTS.name, [*results, replace(results[0], value=value)])


def later(evidence: Evidence, topic: str, *, than: int) -> set[str]:
    """Return which promises are broken where what stands on *topic* came later."""
    records = evidence.topics[topic]
    return broken(evidence, topic, [replace(each, number=than + each.number) for each in records])


def of(evidence: Evidence, collection: str, username: str) -> list[tuple[int, Document | None]]:
    """Return all versions of one document."""
    return [*evidence.written[collection][username]]


def rewritten(evidence: Evidence, collection: str, username: str, versions: Versions) -> set[str]:
    """Return which promises are broken where these are the versions of one document."""
    documents = {**evidence.written[collection], username: versions}
    return found_in(replace(evidence, written={**evidence.written, collection: documents}))


@pytest.mark.parametrize("topic", [RESULTS.name, BALANCE_EVENTS.name, AUDIT_EVENTS.name])
def test_finds_an_offset_that_was_committed_too_early(evidence: Evidence, topic: str) -> None:
    assert "P4" in later(evidence, topic, than=evidence.commits[-1].number)


def test_finds_a_reply_that_came_after_the_commit(evidence: Evidence) -> None:
    record = replace(evidence.commands[0], topic=GET_BALANCE.name, value=b'{"request_id": "1"}')
    commit = OffsetCommit(1, "a group", GET_BALANCE.name, record.partition, record.offset + 1, "")
    changed = replace(
        evidence, topics={**evidence.topics, GET_BALANCE.name: [record]}, commits=[commit]
    )

    assert "P4" in {each.partition(":")[0] for each in check_commits(changed)}


def test_finds_an_answer_to_what_is_not_recorded_yet(evidence: Evidence) -> None:
    [(_, outcome)] = of(evidence, "outcomes", "alice:c2")
    answered = evidence.answers["alice:c2"][0].number

    assert "P2" in rewritten(evidence, "outcomes", "alice:c2", [(answered + 1, outcome)])


def test_finds_an_event_that_came_before_its_state(evidence: Evidence) -> None:
    event = evidence.topics[BALANCE_EVENTS.name][0]

    assert "P5" in later(evidence, BALANCES.name, than=event.number)


def test_finds_an_account_that_says_too_much_is_published(evidence: Evidence) -> None:
    early = [
        (number, account and {**account, "published_sequence": account["sequence"]})
        for number, account in of(evidence, "accounts", "alice")
    ]

    assert "P5" in rewritten(evidence, "accounts", "alice", early)


def test_finds_time_that_goes_back(evidence: Evidence) -> None:
    versions = of(evidence, "accounts", "alice")
    number, account = versions[-1]
    early = {**(account or {}), "changed_at": EPOCH.replace(tzinfo=None) - timedelta(days=1)}

    assert "P5" in rewritten(evidence, "accounts", "alice", [*versions[:-1], (number, early)])


def test_finds_a_writer_that_signs_off_before_all_is_published(evidence: Evidence) -> None:
    number, account = next(
        each for each in of(evidence, "accounts", "alice") if each[1] and each[1]["sequence"]
    )
    writer = (account or {})["writer"]

    assert {"P5", "P7"} <= rewritten(evidence, "writers", writer, [(number + 1, {"_id": writer})])


def test_finds_a_repeat_that_was_not_answered(evidence: Evidence) -> None:
    *_, record = (each for each in evidence.commands if each.topic == DEPOSIT.name)
    again = replace(record, offset=record.offset + 1)

    found = broken(evidence, DEPOSIT.name, [*evidence.topics[DEPOSIT.name], again])

    assert {"P3", "P4"} <= found


def test_finds_another_content_that_was_not_refused(evidence: Evidence) -> None:
    *_, record = (each for each in evidence.commands if each.topic == DEPOSIT.name)
    value = (record.value or b"").replace(b"USD", b"EUR")
    other = replace(record, offset=record.offset + 1, value=value)

    assert "P3" in broken(evidence, DEPOSIT.name, [*evidence.topics[DEPOSIT.name], other])


def test_finds_a_repeat_that_was_decided_once_more(evidence: Evidence) -> None:
    [(_, outcome)] = of(evidence, "outcomes", "alice:c2")
    assert evidence.calm is not None

    late = evidence.calm.repeated_at + 1

    assert "P2" in rewritten(evidence, "outcomes", "alice:c2", [(late, outcome)])


def test_finds_a_state_that_a_late_writer_left(evidence: Evidence) -> None:
    """P7: whoever wrote over another's mark has to say the newer state again."""
    first, last = (
        next(account for _, account in each if account and account["sequence"])
        for each in (of(evidence, "accounts", "alice"), of(evidence, "accounts", "alice")[::-1])
    )
    assert evidence.calm is not None
    numbers = [number for number, _ in of(evidence, "accounts", "alice")][-2:]
    versions = [(numbers[0], first), (numbers[1], {**last, "writer": "another"})]
    state = evidence.topics[BALANCES.name][0]
    at_s = evidence.times_ms[state.number] / 1000
    calm = evidence.calm._replace(at_s=at_s + 10, running=["worker-1/1"])
    met = {number: Transaction("worker-1/1", at_s - 1) for number in numbers}

    changed = replace(
        evidence,
        topics={**evidence.topics, BALANCES.name: [state]},
        written={**evidence.written, "accounts": {"alice": versions}},
        calm=calm,
        transactions=met,
    )

    assert [*check_late_states(changed)]
    assert not [*check_late_states(replace(changed, calm=calm._replace(running=[])))]


@pytest.mark.parametrize(
    ("code", "expires_at"),
    [("expired", "2032-01-01T00:00:00.000Z"), (None, "2030-01-01T00:00:00.000Z")],
)
def test_finds_a_wrong_judgement_of_time(
    evidence: Evidence, code: str | None, expires_at: str
) -> None:
    [(number, outcome)] = of(evidence, "outcomes", "alice:c2")
    source = evidence.sources["alice:c2"]
    value = (source.value or b"")[:-1] + f', "expires_at": "{expires_at}"}}'.encode()
    decided = {name: each for name, each in (outcome or {}).items() if name != "code"}
    if code is not None:
        decided["code"] = code

    changed = replace(
        evidence,
        topics={**evidence.topics, DEPOSIT.name: [replace(source, value=value)]},
        documents={**evidence.documents, "outcomes": [decided]},
        written={**evidence.written, "outcomes": {"alice:c2": [(number, decided)]}},
    )

    assert [*check_expiry(changed)]
    assert not [*check_expiry(evidence)]


def test_finds_an_answer_that_stands_elsewhere(evidence: Evidence) -> None:
    named = replace(evidence, history=replace(evidence.history, reply_topics=("replies.shop",)))
    record = evidence.topics[DEPOSIT.name][0]
    asked = replace(record, headers=((REPLY_TO, f"{PREFIX}replies.shop".encode()),))

    assert "P4" in broken(named, DEPOSIT.name, [asked])
    assert "P4" not in broken(named, DEPOSIT.name, evidence.topics[DEPOSIT.name])


@pytest.mark.parametrize("blow", [None, Blow.REMADE])
def test_finds_entries_that_are_not_in_the_order_of_their_records(
    evidence: Evidence, blow: Blow | None
) -> None:
    """P1, also where a topic was made again."""
    first = evidence.sources["alice:c2"]
    blows = () if blow is None else (Disturbance(blow=blow, at_s=0, lasts_s=0, which=0),)
    second = replace(
        first, offset=50, value=(first.value or b"").replace(b'"c2"', b'"c9"'), number=first.number
    )
    [(number, outcome)] = of(evidence, "outcomes", "alice:c2")
    assert outcome is not None
    source = {**outcome["source"], "offset": 50}
    outcomes = [
        {**outcome, "sequence": 2},
        {**outcome, "_id": "alice:c9", "sequence": 1, "source": source},
    ]

    changed = replace(
        evidence,
        history=replace(evidence.history, disturbances=blows),
        topics={**evidence.topics, DEPOSIT.name: [first, second]},
        documents={**evidence.documents, "outcomes": outcomes},
        written={
            **evidence.written,
            "outcomes": {each["_id"]: [(number, each)] for each in outcomes},
        },
    )

    assert "P1" in {each.partition(":")[0] for each in check_order(changed)}
