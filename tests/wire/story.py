"""One fixed story, said by the code that says everything: what the golden messages hold."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from contracts import topics
from contracts.codes import Code
from contracts.refusals import OF_REQUESTS_ALONE
from handlers.history.operating import Operation, audit_event
from handlers.history.repair import Repair
from handlers.ledger.batch import decide_lane
from handlers.ledger.recording import WriterMark
from handlers.model.account import Balance, Profile
from handlers.model.decision import TakenOver
from handlers.model.input_records import Judged
from handlers.model.outcome import UNCHAINED, LedgerEntry, Outcome, Trace
from handlers.model.unpublished import EntryRange
from handlers.wire.rendering import (
    OF_COMMANDS,
    Headers,
    Record,
    Rendering,
    balances,
    error_body,
)
from storage.memory.ledger import MemoryLedger
from tests.builders import NOON, an_account, an_entry, an_outcome
from tests.consumed import consumed
from tests.received import RULES, a_registration, all_read, by_rules, known, received
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from tests.wire import asked, sent
from tests.wire.message import SEALED, TRACE, Example
from tests.wire.moved import MOVED
from workers.batches.dead_letters import dead_letter
from workers.kafka.topic_names import TopicNames
from workers.ledger.lane import Applied, Lane
from workers.ledger.publication import Publication

ACCOUNT_ID = "8e1a52f3-0a1c-5b6e-9c4d-7f2b3a4c5d6e"
REGISTER_CODES = {
    Code.SEAL_INVALID,
    Code.PASSWORD_TOO_SHORT,
    Code.PASSWORD_TOO_LONG,
    Code.PASSWORD_PERSONAL,
    Code.PASSWORD_COMMON,
    Code.PASSWORD_HASH_UNSUPPORTED,
    Code.PASSWORD_HASH_TOO_COSTLY,
    Code.CLAIM_MALFORMED,
    Code.USERNAME_TAKEN,
    Code.UNSEALED_PASSWORD,
}


def accepted(kind: str, entry: LedgerEntry | None = None, **fields: Any) -> Outcome:
    sequence = entry.sequence if entry else 0
    return an_outcome(
        command_id=f"c-{kind}-{sequence}",
        type=kind,
        account_id=ACCOUNT_ID,
        entry=entry,
        trace=TRACE,
        actor="back office",
        **fields,
    )


def rejected(code: Code) -> Outcome:
    kind = "register" if code in REGISTER_CODES else "withdraw"
    return an_outcome(
        command_id=f"c-{code}",
        type=kind,
        account_id=None if code is Code.UNKNOWN_ACCOUNT else ACCOUNT_ID,
        code=code,
        detail=f"the detail of {code}",
        trace=Trace(correlation_id=f"c-{code}"),
    )


def examples() -> Iterator[Example]:
    """Yield everything that can be said."""
    yield from sent.examples()
    taken_over = accepted("register", detail=TakenOver(profile=Profile()).detail)
    yield Example("taken-over", topics.AUDIT_EVENTS, b"alice", Rendering(taken_over).audit_event())
    yield from movements()
    yield from said("open", Rendering(accepted("open")))
    yield from said("register", Rendering(accepted("register")))
    yield from said("update-profile", Rendering(accepted("update-profile", detail="changed email")))
    for code in Code:
        if code in OF_REQUESTS_ALONE:
            pass
        elif code.info.recorded:
            yield from said(f"refused-{code}", Rendering(rejected(code)))
        else:
            yield Example(f"refused-{code}", topics.RESULTS, b"alice", undecided(code))
        if code.info.dead_letter:
            yield from letters(code)
    yield from states()
    yield from fields()
    yield from repairs()
    yield from credentials()
    yield from asked.examples()


def movements() -> Iterator[Example]:
    """Yield what each movement says, and its event as release 0.1 said it."""
    for name, (kind, entry) in MOVED.items():
        rendering = Rendering(accepted(kind, entry))
        yield from said(name, rendering)
        yield Example(name, topics.BALANCE_EVENTS, b"alice", rendering.balance_event())
        unchained = replace(entry, previous_hash=None)
        event = Rendering(accepted(kind, unchained, schema=UNCHAINED)).balance_event()
        yield Example(f"{name}-v1", topics.BALANCE_EVENTS, b"alice", event)
    opening = Rendering(accepted("deposit", an_entry(2, house="opening")))
    yield from said("deposit-opening", opening)
    yield Example("deposit-opening", topics.BALANCE_EVENTS, b"alice", opening.balance_event())
    noted = accepted(
        "deposit", an_entry(7), metadata=(("order", "A-1"),), reason="sale", related_id="A-1001"
    )
    yield Example("noted", topics.BALANCE_EVENTS, b"alice", Rendering(noted).balance_event())


def said(name: str, rendering: Rendering) -> Iterator[Example]:
    """Yield the answer, the answer to a repeat, and the audit event."""
    yield Example(name, topics.RESULTS, b"alice", rendering.result(duplicate=False))
    repeat = rendering.result(duplicate=True, trace=Trace(correlation_id="second-try"))
    yield Example(f"{name}-repeated", topics.RESULTS, b"alice", repeat)
    yield Example(name, topics.AUDIT_EVENTS, b"alice", rendering.audit_event())


def undecided(code: Code) -> Record:
    return OF_COMMANDS.refusal(
        username="alice",
        identifier=f"c-{code}",
        name="deposit",
        error=error_body(
            code, "amount: string_type", [{"field": "amount", "problem": "string_type"}]
        ),
        at=NOON,
        trace=TRACE,
    )


def fields() -> Iterator[Example]:
    """Yield the answer that says what is wrong with fields; a sentence may change, so not with ours."""
    problems = [
        {"field": "amount", "problem": "wrong_type", "detail": "A sentence for people."},
        {"field": "currency", "problem": "missing", "detail": "Another."},
    ]
    answer = OF_COMMANDS.refusal(
        username="alice",
        identifier="c-fields",
        name="deposit",
        error=error_body(Code.INVALID_COMMAND, "amount: wrong_type; currency: missing", problems),
        at=NOON,
        trace=TRACE,
    )
    yield Example("refused-invalid_command-fields", topics.RESULTS, b"alice", answer)


def repairs() -> Iterator[Example]:
    repair = Repair(id="repair-1", username="alice", at=NOON, detail="sequence 7 -> 3")
    yield Example("repair", topics.AUDIT_EVENTS, b"alice", audit_event(repair))
    asked_for = replace(
        repair,
        detail="events 2 to 3 published again",
        actor="an operator",
        published=EntryRange(username="alice", after=1, up_to=3),
    )
    yield Example("repair-by-actor", topics.AUDIT_EVENTS, b"alice", audit_event(asked_for))
    unlocking = Operation(
        id="unlock-1",
        username="alice",
        at=NOON,
        action="unlock",
        detail="2 counts of failed sign-ins were forgotten",
        actor="an operator",
    )
    yield Example("unlock", topics.AUDIT_EVENTS, b"alice", audit_event(unlocking))


def states() -> Iterator[Example]:
    money = {
        "USD": Balance(posted_minor=1050, held_minor=50, scale=2),
        "JPY": Balance(posted_minor=7, scale=0),
    }
    account = an_account(account_id=ACCOUNT_ID, balances=money, sequence=3)
    yield Example("balances", topics.BALANCES, b"alice", balances(account))
    opened = an_account(account_id=ACCOUNT_ID)
    yield Example("just-opened", topics.BALANCES, b"alice", balances(opened))


def credentials() -> Iterator[Example]:
    """Yield a registration on its way to be hashed, a repeat of one, and one that is vouched for."""
    command = received(
        a_registration(command_id="c-1", sealed_password=SEALED),
        trace=TRACE,
        reply_to="accounts.replies.shop",
    )
    recorded = an_outcome(command_id="c-1", fingerprint=command.fingerprint, account_id=ACCOUNT_ID)
    found = {
        "registration": (command, known()),
        "repeated": (command, known(outcomes={recorded.id: recorded})),
        "vouched": (replace(command, judged=Judged(voucher="5" * 64)), known()),
    }
    for name, (passed, gathered) in found.items():
        lane = Lane(SimpleLaneDependencies(MemoryLedger()).surroundings())
        decision = decide_lane(
            [[passed]],
            gathered,
            all_read(),
            WriterMark(writer="w", unacknowledged={}),
            per_command=by_rules(RULES),
            now=NOON,
            commands_max=None,
        )
        lane.applied.append(Applied(decision=decision, accounts={}, owed=(), shared=()))
        publication = Publication(names=TopicNames.under("accounts."), group="g", read_at_s=0)
        publication.add_lane(lane)
        [record] = [
            each for each in publication.records if each.topic.endswith(topics.CREDENTIALS.name)
        ]
        said = Record(record.value, list(record.headers))
        yield Example(name, topics.CREDENTIALS, record.key, said)


def letters(code: Code) -> Iterator[Example]:
    """Yield a dead letter with its value, and one whose value is withheld."""
    asked_for = code in OF_REQUESTS_ALONE
    kept, withheld = (
        (topics.GET_BALANCE, topics.LOGIN) if asked_for else (topics.DEPOSIT, topics.REGISTER)
    )
    for name, topic in (("kept", kept), ("withheld", withheld)):
        if name == "kept" and code is Code.UNSEALED_PASSWORD:
            continue  # never kept, whatever the topic
        raw = consumed(
            f"accounts.{topic.name}", b'{"amount": 5}', headers=[("mine", b"\xff")], offset=2**40
        )
        letter = dead_letter(
            raw,
            topic,
            code,
            "amount: string_type",
            group="accounts-queries" if asked_for else "accounts-ledger",
            to="accounts.dead-letters",
        )
        headers: Headers = [
            (name, b"<varies>" if name in {"dlq_at", "dlq_version"} else value)
            for name, value in letter.headers
        ]
        record = Record(letter.value, headers)
        yield Example(f"{code}-{name}", topics.DEAD_LETTERS, letter.key, record)
