"""The document is current, complete and true."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import pytest
import yaml
from faststream.asgi import AsgiFastStream
from faststream.kafka import KafkaBroker
from pydantic import BaseModel

from cli.app import main
from contract_docs.document import Contract, document, to_yaml
from contracts.codes import CODES, Code
from contracts.commands import COMMANDS
from contracts.entries import Entry
from contracts.events import AuditRecorded, BalanceChangedV1, Balances
from contracts.headers import HEADER_LENGTH_MAX
from contracts.published import KNOWN_VALUES
from contracts.refusals import REFUSALS
from contracts.registration import PendingCredential
from contracts.replies import Reply
from contracts.requests import REQUESTS, request_name
from contracts.results import Result
from contracts.sealing import Purpose
from contracts.sessions import SessionRevoked
from contracts.topics import INPUTS, TOPICS, Kind, TopicSpec
from tests.places import REPOSITORY

DOCUMENT = document()
PUBLISHED = (Result, Reply, BalanceChangedV1, AuditRecorded, Balances, SessionRevoked)
MODELS: Mapping[str, type[BaseModel]] = {
    model.__name__: model for model in (*COMMANDS.values(), *REQUESTS.values(), *PUBLISHED)
} | {"BalanceChanged": Entry}
CLOSED = json.loads(json.dumps(DOCUMENT["components"]).replace(KNOWN_VALUES, "enum"))
"""With open strings closed: what is shown is known."""
EXAMPLES = [
    (name, example["payload"])
    for name, message in DOCUMENT["components"]["messages"].items()
    for example in message["examples"]
    if name in MODELS
]


def references(node: Any) -> set[str]:
    """Return every `$ref` below *node*."""
    if isinstance(node, dict):
        found = {str(node["$ref"])} if "$ref" in node else set[str]()  # pyright: ignore[reportUnknownArgumentType]
        return found.union(*(references(each) for each in node.values()))  # pyright: ignore[reportUnknownVariableType]
    if isinstance(node, list):
        return set[str]().union(*(references(each) for each in node))  # pyright: ignore[reportUnknownVariableType]
    return set()


def resolve(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


class TestDocument:
    def test_is_the_one_that_is_committed(self) -> None:
        committed = (REPOSITORY / "asyncapi.yaml").read_text()

        assert committed == to_yaml(DOCUMENT), "run `make asyncapi` and commit asyncapi.yaml"

    def test_is_what_the_command_prints(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["asyncapi"])

        assert ended.value.code == 0
        assert capsys.readouterr().out == to_yaml(DOCUMENT)

    def test_has_the_version_of_the_package(self) -> None:
        project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

        assert DOCUMENT["info"]["version"] == project["version"]

    def test_can_be_had_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["asyncapi", "--prefix", "team.", "--output", "json"])

        written = json.loads(capsys.readouterr().out)
        assert written["channels"]["results"]["address"] == "team.results"
        assert "accounts.results" not in json.dumps(written)

    def test_reads_back_as_it_was(self) -> None:
        assert yaml.safe_load(to_yaml(DOCUMENT)) == DOCUMENT

    def test_points_nowhere_that_is_not_there(self) -> None:
        found = references(DOCUMENT)

        assert found
        assert all(resolve(reference) for reference in found)

    def test_leaves_nothing_unused(self) -> None:
        used = references(DOCUMENT)
        components = DOCUMENT["components"]

        for kind in ("messages", "schemas"):
            unused = {f"#/components/{kind}/{name}" for name in components[kind]} - used
            assert unused == set()

    def test_has_every_topic_and_the_callers_own(self) -> None:
        addresses = [channel["address"] for channel in DOCUMENT["channels"].values()]

        public = [topic for topic in TOPICS if topic.kind is not Kind.INTERNAL]
        assert addresses == [f"accounts.{topic.name}" for topic in public] + [None]

    def test_says_nothing_of_what_is_internal(self) -> None:
        internal = [topic.name for topic in TOPICS if topic.kind is Kind.INTERNAL]

        assert internal
        assert [name for name in internal if name in to_yaml(DOCUMENT)] == []
        assert PendingCredential.__name__ not in to_yaml(DOCUMENT)

    @pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic.kind in INPUTS])
    def test_says_how_each_command_and_request_is_answered(self, topic: TopicSpec) -> None:
        operation = DOCUMENT["operations"][f"receive-{topic.name.replace('.', '-')}"]

        answer = "Result" if topic.kind is Kind.COMMAND else "Reply"
        assert operation["reply"]["address"]["location"] == "$message.header#/reply_to"
        assert operation["reply"]["messages"] == [{"$ref": f"#/channels/replies/messages/{answer}"}]

    @pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
    def test_says_with_which_codes_a_request_can_be_refused(self, topic: TopicSpec) -> None:
        message = DOCUMENT["components"]["messages"][REQUESTS[topic].__name__]

        assert message["x-refusals"] == list(REFUSALS[topic])

    @pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
    def test_shows_an_accepted_reply_to_each_request(self, topic: TopicSpec) -> None:
        replies = DOCUMENT["components"]["messages"]["Reply"]["examples"]

        assert any(
            (each["payload"]["type"], each["payload"]["status"])
            == (request_name(topic), "accepted")
            for each in replies
        )

    @pytest.mark.parametrize("purpose", Purpose)
    def test_says_what_every_sealed_field_is_for(self, purpose: Purpose) -> None:
        assert f"`{purpose}`" in DOCUMENT["info"]["description"]

    def test_lists_what_a_topic_is_cleaned_by_one_by_one(self) -> None:
        """As the Kafka binding has it; AsyncAPI's parser refuses Kafka's own "compact,delete"."""
        topic = DOCUMENT["channels"]["state-revocations"]["bindings"]["kafka"]

        assert topic["topicConfiguration"]["cleanup.policy"] == ["compact", "delete"]

    def test_gives_every_message_a_key_and_an_example(self) -> None:
        for message in DOCUMENT["components"]["messages"].values():
            assert message["bindings"]["kafka"]["key"]
            assert message["examples"]

    def test_knows_every_header_that_is_read(self) -> None:
        message = DOCUMENT["components"]["messages"]["Deposit"]
        properties = resolve(message["headers"]["$ref"])["properties"]

        limits = {name: each["maxLength"] for name, each in properties.items()}
        assert limits == HEADER_LENGTH_MAX

    @pytest.mark.parametrize(("name", "payload"), EXAMPLES)
    def test_gives_examples_that_are_valid(self, name: str, payload: dict[str, Any]) -> None:
        parsed = MODELS[name].model_validate_json(json.dumps(payload))

        assert parsed.model_dump(exclude_unset=True, by_alias=True).keys() == payload.keys()

    @pytest.mark.parametrize(("name", "payload"), EXAMPLES)
    def test_describes_every_field_of_its_examples(
        self, name: str, payload: dict[str, Any]
    ) -> None:
        reference = DOCUMENT["components"]["messages"][name]["payload"]["$ref"]
        schema = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]

        assert set(schema["required"]) <= payload.keys() <= schema["properties"].keys()

    @pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
    def test_gives_examples_that_its_own_schemas_accept(self, name: str) -> None:
        message = DOCUMENT["components"]["messages"][name]

        for part in {"payload", "headers"} & message.keys():
            schema = {"allOf": [message[part]], "components": CLOSED}
            validator = jsonschema_rs.Draft7Validator(schema)
            for example in message["examples"]:
                if part in example:
                    assert list(validator.iter_errors(example[part])) == []

    def test_gives_examples_with_the_headers_it_describes(self) -> None:
        for message in DOCUMENT["components"]["messages"].values():
            described = resolve(message["headers"]["$ref"])
            for example in message["examples"]:
                given = example["headers"].keys()
                assert set(described.get("required", [])) <= given <= described["properties"].keys()

    def test_lists_every_code_in_order_of_precedence(self) -> None:
        listed = DOCUMENT["components"]["schemas"]["Code"]["x-codes"]

        assert [each["code"] for each in listed] == list(Code)
        assert [each["meaning"] for each in listed] == [CODES[code].meaning for code in Code]

    def test_never_says_null_of_what_is_published(self) -> None:
        schemas = DOCUMENT["components"]["schemas"]

        for model in PUBLISHED:
            assert "null" not in json.dumps(schemas[model.__name__])

    def test_offers_no_default_for_a_profile_field_that_stays_as_it_is(self) -> None:
        assert '"default"' not in json.dumps(DOCUMENT["components"]["schemas"]["UpdateProfile"])

    def test_is_what_the_application_shows_as_its_own(self) -> None:
        app = AsgiFastStream(KafkaBroker(), specification=Contract())

        shown = app.schema.to_specification()

        assert shown.to_jsonable() == DOCUMENT
        assert json.loads(shown.to_json()) == DOCUMENT
        assert shown.to_yaml() == to_yaml(DOCUMENT)
        assert shown.title == "accounts"
