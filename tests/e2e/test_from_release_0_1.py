"""Data of release 0.1 in this one: what was decided stays decided, and new entries go on from it.

Not covered: blobs sealed to a key of 0.1, since no key is kept here (a repeat of a registration is known by
what is not sealed in it, so it is sealed anew), and answers to sign-ins that 0.1 kept for minutes.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from contracts.topics import BALANCE_EVENTS, DEPOSIT, TOPICS
from handlers.model.account import BOOKED
from handlers.model.chain import chain_start
from handlers.model.schema import FIRST
from tests.e2e.caller import Caller, a_movement, open_producer
from tests.e2e.cli_process import Program
from tests.e2e.running import RunningService
from tests.e2e.signing import Signing, opened
from tests.migration.release_0_1 import Release01, read_release_0_1, token_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY_NAME = {topic.name: topic for topic in TOPICS}


@pytest.fixture(scope="module")
def before() -> Release01:
    """Return what release 0.1 left."""
    return read_release_0_1()


@pytest.fixture(scope="module")
def service(installed: RunningService, before: Release01) -> RunningService:
    """Return a service that starts on the data, and behind the events, of release 0.1."""
    with installed.mongodb() as database:
        for collection, documents in before.under(installed.prefix, now=datetime.now(tz=UTC)):
            database[collection].insert_many(documents)
    asyncio.run(_published(installed, before))
    installed.start_worker()
    return installed


async def _published(service: RunningService, before: Release01) -> None:
    async with open_producer(service) as producer:
        for one in before.events:
            await producer.send_and_wait(
                service.topic(BALANCE_EVENTS),
                one["event"].encode(),
                key=one["key"].encode(),
                headers=[(name, text.encode()) for name, text in one["headers"]],
                partition=one["partition"],
            )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def repeated(caller: Caller, before: Release01) -> Sequence[Mapping[str, Any]]:
    """Send all that was sent then, in its places; return the answers, in order."""
    for one in before.sent:
        body: dict[str, Any] = dict(one["body"])
        if (password := one.get("password")) is not None:
            sealed = caller.sealed(password, body["command_id"], body["username"])
            body["sealed_password"] = sealed
        headers = [(name, text.encode()) for name, text in one["headers"]]
        placed = await caller.send(
            BY_NAME[one["topic"]], body, headers=headers, partition=one["partition"]
        )
        assert placed.offset == one["offset"], "read again from the beginning, all is where it was"
    number = Counter[str]()
    answers: list[Mapping[str, Any]] = []
    for one in before.sent:
        name = one["body"]["command_id"]
        number[name] += 1
        answers.append((await caller.inbox.answer(name, number[name])).body)
    return answers


def meaning_then(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an answer of release 0.1 says, in its own shape."""
    said = {name: each for name, each in answer.items() if name != "entry"}
    if (entry := answer.get("entry")) is not None:
        names = ("sequence", "amount", "currency", "after", "available")
        said |= {name: entry[name] for name in names}
    return said


def meaning_now(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of an answer of this release."""
    said = {name: each for name, each in answer.items() if name != "entry"}
    if (entry := answer.get("entry")) is not None:
        [[currency, balance]] = entry["balances"].items()
        own = [one for one in entry["postings"] if one["account"] == entry["username"]]
        said |= {
            "sequence": entry["sequence"],
            "amount": own[0]["amount"].removeprefix("-"),
            "currency": currency,
            "after": balance["posted"],
            "available": balance["available"],
        }
        assert own[0]["amount"].startswith("-") is (entry["kind"] == "withdrawn")
        assert entry["occurred_at"] == answer["decided_at"]
    return said


async def test_every_command_has_its_answer_again(
    caller: Caller, repeated: Sequence[Mapping[str, Any]], before: Release01
) -> None:
    told = zip(repeated, before.sent, strict=True)
    differing = [
        (meaning_then(one["answer"]), meaning_now(answer))
        for answer, one in told
        if meaning_now(answer) != meaning_then(one["answer"])
    ]

    undecided = {"command_id_conflict"}
    recorded = [one for one in differing if one[0].get("error", {}).get("code") not in undecided]
    assert recorded == []
    assert [now["error"]["code"] for _, now in differing] == ["command_id_conflict"]
    assert caller.inbox.dead_letters() == []


async def test_new_entries_go_on_from_the_old_ones(
    caller: Caller, repeated: Sequence[Mapping[str, Any]], before: Release01
) -> None:
    assert repeated
    for old in before.documents["accounts"]:
        posted = {(one["currency"], one["scale"]): one["posted_minor"] for one in old["balances"]}
        start = chain_start(old["account_id"], old["sequence"], posted)

        answer = await caller.accepted(DEPOSIT, a_movement(old["_id"], "1.00"))
        again = await caller.accepted(DEPOSIT, a_movement(old["_id"], "1.00"))

        first, second = answer.body["entry"], again.body["entry"]
        assert (first["sequence"], first["previous_hash"]) == (old["sequence"] + 1, start.hex())
        assert second["previous_hash"] == first["hash"]
        with caller.service.mongodb() as database:
            assert database.accounts.find_one({"_id": old["_id"]})["books"] == BOOKED


async def test_nothing_is_missing_and_nothing_made(
    caller: Caller, repeated: Sequence[Mapping[str, Any]]
) -> None:
    assert repeated
    service = caller.service
    program = Program(service.folder, service.environ)

    verified, balanced = await asyncio.gather(
        asyncio.to_thread(program.run, "verify", "--topic", "--live"),
        asyncio.to_thread(program.run, "trial-balance"),
    )

    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
    assert (balanced.returncode, balanced.stderr) == (0, ""), balanced.stdout


async def test_sessions_go_on(caller: Caller, before: Release01) -> None:
    signing = Signing(caller)
    for username in ("alice", "bob"):
        ask = signing.refresh(username, token_of(before.session(username)))
        renewed = opened(ask, await signing.accepted(ask))

        assert renewed.session_id == before.session(username)
        assert await signing.code(signing.logout(username, renewed.access)) is None
        assert await signing.code(signing.refresh(username, renewed.refresh)) == "session_ended"
    ended = signing.refresh("carol", token_of(before.session("carol")))
    assert await signing.code(ended) == "session_ended"


async def test_passwords_go_on(caller: Caller) -> None:
    signed = await Signing(caller).sign_in("erin")

    assert signed.username == "erin"


async def test_the_data_says_its_number(service: RunningService) -> None:
    with service.mongodb() as database:
        assert database.schema.find_one({"_id": "data"})["number"] == FIRST
