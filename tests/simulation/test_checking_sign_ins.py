"""Whatever is wrong with sign-ins and their sessions, the checker finds."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from contracts.passwords import Passwords
from contracts.registration import Register
from contracts.topics import CHANGE_PASSWORD, LOGIN, LOGOUT, REFRESH, REGISTER, REVOCATIONS
from tests.simulation.checker.evidence import Document, Evidence, Versions
from tests.simulation.exhaustive import short_histories
from tests.simulation.history import History, Record, Sender, Unit, Waits
from tests.simulation.keys import Sealing, sealed
from tests.simulation.signing import a_request
from tests.simulation.test_checker import found_in, kept_by
from tests.simulation.values import PASSWORDS, Values, encoded, purpose_of
from workers.config.roles import Role

FIRST, SECOND = PASSWORDS
USER = "alice"


def a_history() -> History:
    """Return one in which somebody registers and does all that one does with a session."""
    values = Values(Random(0))
    body = values.body(Register, {"command_id": "c1", "username": USER})
    purpose = purpose_of(Register, "sealed_password")
    assert purpose is not None
    body["sealed_password"] = sealed(Sealing(FIRST, purpose, "c1", USER))
    records = [Record(topic=REGISTER.name, key=USER.encode(), value=encoded(body))]
    steps = (
        (LOGIN, FIRST),
        (LOGIN, SECOND),
        (LOGIN, FIRST),
        (REFRESH, FIRST),
        (CHANGE_PASSWORD, FIRST),
        (LOGIN, SECOND),
        (LOGOUT, SECOND),
    )
    for number, (topic, password) in enumerate(steps):
        passwords = Passwords(password=password, new_password=SECOND)
        identity = {"request_id": f"s{number}", "username": USER}
        records.append(a_request(values, topic, identity, passwords))
    units = tuple(Unit(pause_s=1.1, records=(record,)) for record in records)
    sender = Sender(name="alice", waits=Waits.ANSWERED, units=units)
    roles = frozenset({Role.LEDGER, Role.IDENTITY})
    return replace(short_histories()[0], senders=(sender,), roles=roles)


@pytest.fixture
def evidence(monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """What that leaves behind."""
    return kept_by(monkeypatch, a_history())


def told(evidence: Evidence, name: str) -> str:
    """Return what became of a request of the user's."""
    body = evidence.replies[f"{USER}:{name}"][0].body
    return body["error"]["code"] if "error" in body else body["status"]


def changed(
    evidence: Evidence, collection: str, change: Callable[[int, Document], Document]
) -> Evidence:
    """Return *evidence* with each version of each document of *collection* changed."""
    documents: dict[Any, Versions] = {
        identifier: [(at, None if each is None else change(at, each)) for at, each in versions]
        for identifier, versions in evidence.written[collection].items()
    }
    return replace(evidence, written={**evidence.written, collection: documents})


def test_all_of_it_is_simulated(evidence: Evidence) -> None:
    said = [told(evidence, f"s{number}") for number in range(7)]

    assert said == [
        "accepted",
        "invalid_credentials",
        *("accepted", "accepted", "accepted", "accepted", "accepted"),
    ]
    assert found_in(evidence) == set()


def test_finds_a_password_that_is_not_the_one_chosen_last(evidence: Evidence) -> None:
    [first] = {each["hash"] for _, each in evidence.written["credentials"][USER][:1] if each}

    overwritten = changed(evidence, "credentials", lambda _, each: {**each, "hash": first})

    assert {"P3", "P8"} <= found_in(overwritten)


def test_finds_who_signed_in_with_a_wrong_password(evidence: Evidence) -> None:
    body = {"status": "accepted", "session_id": "none"}

    assert "P8" in found_in(answered(evidence, "s1", body))


def test_finds_who_was_refused_with_the_right_password(evidence: Evidence) -> None:
    body = {"status": "rejected", "error": {"code": "invalid_credentials"}}

    assert "P8" in found_in(answered(evidence, "s0", body))


def answered(evidence: Evidence, name: str, body: Document) -> Evidence:
    """Return *evidence* with another answer stored."""
    return changed(
        evidence,
        "requests",
        lambda _, each: (
            {**each, "body": encoded(body)} if each["_id"] == f"{USER}:{name}" else each
        ),
    )


def test_finds_a_session_that_lives_again(evidence: Evidence) -> None:
    sessions = {
        identifier: [*versions, (versions[-1][0] + 1, versions[0][1])]
        for identifier, versions in evidence.written["sessions"].items()
    }

    assert "P8" in found_in(replace(evidence, written={**evidence.written, "sessions": sessions}))


def test_finds_a_session_that_goes_on(evidence: Evidence) -> None:
    def goes_on(_: int, session: Document) -> Document:
        username = session.get("username", session.get("ended_username"))
        return {**{k: v for k, v in session.items() if k != "ended_at"}, "username": username}

    assert "P8" in found_in(changed(evidence, "sessions", goes_on))


def test_finds_a_token_that_was_good_twice(evidence: Evidence) -> None:
    record, *_ = evidence.topics[REFRESH.name]
    name = f"{USER}:again"
    body = {**record.body, "request_id": "again"}
    again = replace(record, value=encoded(body), offset=record.offset + 1)
    [(number, stored)] = evidence.written["requests"][f"{USER}:s3"]
    source = {**(stored or {})["source"], "offset": again.offset}
    requests = {
        **evidence.written["requests"],
        name: [(number, {**(stored or {}), "_id": name, "source": source})],
    }

    assert "P8" in found_in(
        replace(
            evidence,
            topics={**evidence.topics, REFRESH.name: [record, again]},
            written={**evidence.written, "requests": requests},
        )
    )


def test_finds_an_end_that_was_not_published(evidence: Evidence) -> None:
    assert "P8" in found_in(replace(evidence, topics={**evidence.topics, REVOCATIONS.name: []}))


def test_finds_a_reply_to_what_is_not_stored(evidence: Evidence) -> None:
    nothing: dict[Any, Versions] = {}

    assert "P2" in found_in(replace(evidence, written={**evidence.written, "requests": nothing}))
