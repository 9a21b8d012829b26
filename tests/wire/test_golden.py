"""What was ever said is still said the same way, and still understood."""

import json
from typing import Any, cast, get_args

import pytest

from contracts import topics
from contracts.codes import Code
from contracts.commands import CommandName
from contracts.headers import CE_TYPE
from contracts.refusals import OF_REQUESTS_ALONE, REFUSALS
from contracts.requests import REQUESTS
from contracts.topics import TopicSpec
from tests.places import REPOSITORY
from tests.wire.golden import FOLDER, RELEASED, SAID, hashed, model_of, written
from tests.wire.story import examples

EXAMPLES = {example.path: example for example in examples()}
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.json"))
OF_THE_RELEASE = [tuple(line.split("  ")) for line in RELEASED.read_text().splitlines()]


def fields(value: Any) -> Any:
    """Return the names of all fields, however deep."""
    if isinstance(value, dict):
        return {name: fields(each) for name, each in cast("dict[str, Any]", value).items()}
    return [fields(each) for each in cast("list[Any]", value)] if isinstance(value, list) else None


def test_each_file_is_an_example_and_each_example_has_a_file() -> None:
    """Golden messages are only ever added to: `python -m tests.wire.golden`."""
    assert set(FILES) == EXAMPLES.keys()


@pytest.mark.parametrize("name", get_args(CommandName))
def test_each_command_is_answered(name: str) -> None:
    answers = [
        json.loads(example.record.value)
        for example in EXAMPLES.values()
        if example.topic is topics.RESULTS
    ]

    assert any(one.get("type") == name and one["status"] == "accepted" for one in answers)


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_same_is_said_byte_for_byte(path: str) -> None:
    assert (FOLDER / path).read_text() == written(EXAMPLES[path])


@pytest.mark.parametrize("path", FILES)
def test_the_contract_reads_it(path: str) -> None:
    golden = json.loads((FOLDER / path).read_text())
    value = golden["value"].encode("latin-1")
    model = model_of(path, dict(golden["headers"]))
    if model is None:
        return

    message = model.model_validate_json(value)

    said = json.loads(message.model_dump_json(exclude_unset=True, by_alias=True))
    assert fields(said) == fields(json.loads(value)), "the model knows every field"


@pytest.mark.parametrize(("known", "path"), OF_THE_RELEASE)
def test_what_was_released_is_still_there_to_be_read(known: str, path: str) -> None:
    """By the test above. Before 1.0 a deliberate change is released anew: `make release-contract`."""
    assert (REPOSITORY / path).exists(), f"{path} was released: restore it"
    assert hashed(REPOSITORY / path) == known, f"{path} was released: restore what it said"


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
