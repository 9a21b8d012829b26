"""What was ever said is still said the same way, and still understood."""

import json
from typing import Any, cast

import pytest

from contracts import topics
from contracts.codes import Code
from contracts.commands import COMMANDS
from contracts.dead_letters import WithheldValue
from contracts.events import AuditRecorded, BalanceChanged, Balances
from contracts.headers import CE_TYPE, CeType
from contracts.message import Message
from contracts.refusals import OF_REQUESTS_ALONE, REFUSALS
from contracts.registration import PendingCredential
from contracts.replies import Reply
from contracts.requests import REQUESTS
from contracts.results import Result
from contracts.sessions import SessionRevoked
from contracts.topics import TopicSpec
from tests.wire.golden import FOLDER, written
from tests.wire.story import examples

EXAMPLES = {example.path: example for example in examples()}
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.json"))
SENT: dict[TopicSpec, type[Message]] = {**COMMANDS, **REQUESTS}
SAID: dict[str, type[Message]] = {
    CeType.RESULT: Result,
    CeType.REPLY: Reply,
    CeType.BALANCE_CHANGED: BalanceChanged,
    CeType.AUDIT_RECORDED: AuditRecorded,
    CeType.BALANCES: Balances,
    CeType.SESSION_REVOKED: SessionRevoked,
    CeType.PENDING_CREDENTIAL: PendingCredential,
}


def fields(value: Any) -> Any:
    """Return the names of all fields, however deep."""
    if isinstance(value, dict):
        return {name: fields(each) for name, each in cast("dict[str, Any]", value).items()}
    return [fields(each) for each in cast("list[Any]", value)] if isinstance(value, list) else None


def test_each_file_is_an_example_and_each_example_has_a_file() -> None:
    """Golden messages are only ever added to: `python -m tests.wire.golden`."""
    assert set(FILES) == EXAMPLES.keys()


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_same_is_said_byte_for_byte(path: str) -> None:
    assert (FOLDER / path).read_text() == written(EXAMPLES[path])


@pytest.mark.parametrize("path", FILES)
def test_the_contract_reads_it(path: str) -> None:
    topic = EXAMPLES[path].topic
    golden = json.loads((FOLDER / path).read_text())
    value = golden["value"].encode("latin-1")
    if topic is topics.DEAD_LETTERS:
        if path.endswith("-withheld.json"):
            WithheldValue.model_validate_json(value)
        return

    model = SENT[topic] if topic in SENT else SAID[dict(golden["headers"])[CE_TYPE]]
    message = model.model_validate_json(value)

    said = json.loads(message.model_dump_json(exclude_unset=True, by_alias=True))
    assert fields(said) == fields(json.loads(value)), "the model knows every field"


@pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_a_message(topic: TopicSpec) -> None:
    assert any(example.topic is topic for example in EXAMPLES.values())


@pytest.mark.parametrize("kind", SAID)
def test_everything_that_is_published_has_a_message(kind: str) -> None:
    kinds = [dict(example.record.headers).get(CE_TYPE) for example in EXAMPLES.values()]

    assert kind.encode() in kinds


@pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
def test_every_request_has_a_reply(topic: TopicSpec) -> None:
    assert f"results/reply-{topic.name.removeprefix('requests.')}.json" in FILES


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_message(code: Code) -> None:
    answered = {code for codes in REFUSALS.values() for code in codes}

    assert (f"results/refused-{code}.json" in FILES) == (code not in OF_REQUESTS_ALONE)
    assert (f"results/reply-refused-{code}.json" in FILES) == (code in answered)
    assert (f"dead-letters/{code}-withheld.json" in FILES) == code.info.dead_letter
