"""What was ever said is still said the same way, and still understood."""

import json

import pytest

from contracts import topics
from contracts.codes import Code
from contracts.commands import COMMANDS
from contracts.dead_letters import WithheldValue
from contracts.events import AuditRecorded, BalanceChanged, Balances
from contracts.message import Message
from contracts.results import Result
from contracts.topics import TopicSpec
from tests.wire.golden import FOLDER, written
from tests.wire.story import examples

EXAMPLES = {example.path: example for example in examples()}
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.json"))
SAID_ON: dict[TopicSpec, type[Message]] = {
    topics.RESULTS: Result,
    topics.BALANCE_EVENTS: BalanceChanged,
    topics.AUDIT_EVENTS: AuditRecorded,
    topics.BALANCES: Balances,
    **COMMANDS,
}


def test_each_file_is_an_example_and_each_example_has_a_file() -> None:
    """Golden messages are only ever added to: `python -m tests.wire.golden`."""
    assert set(FILES) == EXAMPLES.keys()


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_same_is_said_byte_for_byte(path: str) -> None:
    assert (FOLDER / path).read_text() == written(EXAMPLES[path])


@pytest.mark.parametrize("path", FILES)
def test_the_contract_reads_it(path: str) -> None:
    topic = EXAMPLES[path].topic
    value = json.loads((FOLDER / path).read_text())["value"].encode("latin-1")
    if topic is topics.DEAD_LETTERS:
        if path.endswith("-withheld.json"):
            WithheldValue.model_validate_json(value)
        return

    message = SAID_ON[topic].model_validate_json(value)

    said = json.loads(message.model_dump_json(exclude_unset=True))
    assert said.keys() == json.loads(value).keys(), "the model knows every field"


@pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_a_message(topic: TopicSpec) -> None:
    internal = topic.kind is topics.Kind.INTERNAL
    assert internal or any(example.topic is topic for example in EXAMPLES.values())


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_message(code: Code) -> None:
    assert f"results/refused-{code}.json" in FILES
    assert (f"dead-letters/{code}-withheld.json" in FILES) == code.info.dead_letter
