"""One bad document is its user's trouble only: the others are answered (P10)."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from contracts.codes import Code
from handlers.ledger.recording import Conclusion, conclude
from handlers.model.changes import Owners
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import outcome_id
from storage.memory.ledger import MemoryLedger
from tests.builders import NOON, a_claim, an_account, an_entry, an_outcome
from tests.ports.written import write
from tests.received import PREFIX, RULES, a_deposit, a_registration, received
from tests.unit.raw import a_raw
from tests.unit.workers.ledger.ledger_lanes import METRICS, SimpleLaneDependencies
from workers.kafka.topic_names import TopicNames
from workers.ledger.conclude import guarded
from workers.ledger.lane import Lane
from workers.ledger.publication import Publication

NAMES = TopicNames.under(PREFIX)


@pytest.fixture
async def ledger() -> MemoryLedger:
    """Return two accounts; another writer has published nothing of alice's one entry."""
    ledger = MemoryLedger()
    await write(
        ledger,
        accounts=[an_account("alice", posted_minor=1000, sequence=1), an_account("bobby")],
        outcomes=[an_outcome("alice", command_id="old", sequence=1)],
    )
    return ledger


async def published(ledger: MemoryLedger, *, command_id: str = "new") -> Publication:
    """Return what a deposit of each user leads to."""
    users = {
        name: [
            received(
                a_deposit("1.00", name, command_id),
                offset=5,
                record=a_raw(key=name.encode()),
            )
        ]
        for name in ("alice", "bobby")
    }
    dependencies = SimpleLaneDependencies(ledger).surroundings()
    dependencies.per_command = guarded(RULES)
    lane = Lane(dependencies, users=users)
    await lane.run()
    publication = Publication(names=NAMES, group="group", read_at_s=0)
    publication.add_lane(lane)
    return publication


def answers(publication: Publication) -> Mapping[str, str]:
    """Return user → `accepted`, or why not."""
    bodies = [
        orjson.loads(each.value) for each in publication.records if each.topic == NAMES.results
    ]
    return {body["username"]: body.get("error", {}).get("code", "accepted") for body in bodies}


def dead(publication: Publication) -> list[bytes | None]:
    """Return the keys of the dead letters."""
    return [each.key for each in publication.records if each.topic == NAMES.dead_letters]


async def spoil(ledger: MemoryLedger, collection: str, identifier: str) -> None:
    ledger.corrupt[collection, identifier] = CorruptDocument(
        collection=collection, id=identifier, username="alice", field="some.field"
    )


@pytest.mark.parametrize(
    ("collection", "identifier"),
    [("accounts", "alice"), ("outcomes", outcome_id("alice", "old"))],
    ids=["the account", "an entry that is owed"],
)
async def test_only_its_users_commands_become_dead_letters(
    ledger: MemoryLedger, collection: str, identifier: str
) -> None:
    await spoil(ledger, collection, identifier)

    said = await published(ledger)

    assert answers(said) == {"alice": "account_unreadable", "bobby": "accepted"}
    assert len(dead(said)) == 1
    assert NAMES.balance_events not in {
        each.topic for each in said.records if each.key == b"alice"
    }, "P5: no event behind one that cannot be said"


async def test_an_outcome_costs_only_the_repeats_of_its_command(ledger: MemoryLedger) -> None:
    published_already = an_account(
        "alice", posted_minor=1000, sequence=1, published_sequence=1, version=2
    )
    await write(ledger, accounts=[published_already])
    await spoil(ledger, "outcomes", outcome_id("alice", "old"))

    repeated = await published(ledger, command_id="old")
    fresh = await published(ledger)

    assert answers(repeated) == {"alice": "account_unreadable", "bobby": "accepted"}
    assert answers(fresh) == {"alice": "accepted", "bobby": "accepted"}


async def test_entries_that_are_missing_count_as_damaged(ledger: MemoryLedger) -> None:
    await write(ledger, accounts=[an_account("alice", posted_minor=2000, sequence=2, version=2)])

    said = await published(ledger)

    assert answers(said) == {"alice": "account_unreadable", "bobby": "accepted"}


async def test_an_account_older_than_its_entries_keeps_up_nobody(ledger: MemoryLedger) -> None:
    """Half restored: what it writes next is there already, which looks like a race lost for ever."""
    await write(ledger, outcomes=[an_outcome("alice", command_id="newer", sequence=2)])

    said = await published(ledger)

    assert answers(said) == {"alice": "account_unreadable", "bobby": "accepted"}
    assert len(dead(said)) == 1


async def test_a_claim_costs_only_who_wants_the_address(ledger: MemoryLedger) -> None:
    await write(ledger, claimed=[a_claim("taken@example.com", "carol")])
    await spoil(ledger, "emails", "taken@example.com")
    wanted = {"derek": "taken@example.com", "erika": "free@example.com"}
    users = {
        name: [received(a_registration(name, email=email), offset=5, record=a_raw())]
        for name, email in wanted.items()
    }

    lane = Lane(SimpleLaneDependencies(ledger).surroundings(), users=users)
    await lane.run()

    [applied] = lane.applied
    codes = {
        each.received.command.username: each.refused and each.refused.code
        for each in applied.decision.answers
    }
    assert codes == {"derek": Code.ACCOUNT_UNREADABLE, "erika": None}


async def test_a_recorded_outcome_that_cannot_be_rendered_costs_a_dead_letter(
    ledger: MemoryLedger,
) -> None:
    """It may have been written by a release that this one does not understand."""
    command = received(a_deposit("1.00", "bobby", "later"))
    later = an_outcome(
        "bobby", command_id="later", fingerprint=command.fingerprint, schema=99, sequence=None
    )
    await write(ledger, outcomes=[later])

    said = await published(ledger, command_id="later")

    assert answers(said) == {"alice": "accepted", "bobby": "account_unreadable"}
    assert len(dead(said)) == 1


async def test_an_owed_event_that_cannot_be_rendered_costs_its_user_only(
    ledger: MemoryLedger,
) -> None:
    await write(
        ledger,
        accounts=[an_account("alice", posted_minor=2000, sequence=2, version=2)],
        outcomes=[
            an_outcome(
                "alice",
                command_id="later",
                entry=an_entry(2, before_minor=1000, after_minor=2000),
                schema=99,
            )
        ],
    )

    said = await published(ledger)

    assert answers(said) == {"alice": "account_unreadable", "bobby": "accepted"}


def test_what_cannot_be_said_is_refused_and_not_stored() -> None:
    """A new outcome is rendered before it is stored: our bug costs that command only."""
    command = received(a_registration())
    concluded = conclude(None, command, Owners(), rules=RULES, now=NOON)
    assert isinstance(concluded, Conclusion)
    unsaid: Any = replace(concluded, rendering=None)

    refused = guarded(RULES).announce(command, unsaid)

    assert getattr(refused, "code", None) is Code.INTERNAL_ERROR


async def test_is_counted_and_named(ledger: MemoryLedger, caplog: pytest.LogCaptureFixture) -> None:
    counted = METRICS.registry.get_sample_value(
        "accounts_corrupt_documents_total", {"collection": "accounts"}
    )
    await spoil(ledger, "accounts", "alice")

    await published(ledger)

    now = METRICS.registry.get_sample_value(
        "accounts_corrupt_documents_total", {"collection": "accounts"}
    )
    assert now == (counted or 0) + 1
    assert "user alice: accounts alice: some.field" in caplog.text
