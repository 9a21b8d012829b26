"""The document says all that a caller has to know, as the code that it is about has it."""

import json
from typing import Any

import pytest

from contract_docs.access import CALLERS, GROUPS, SERVICE
from contract_docs.answers import REPLY_HOLDS, RESULT_HOLDS
from contract_docs.channels import PUBLIC, channel_id
from contract_docs.clients import CLIENTS
from contract_docs.document import document
from contract_docs.servers import SIDECAR
from contract_docs.text import AUDIENCE_DEFAULT, ISSUER_DEFAULT, LEEWAY_S, SEAL_AGE_MIN
from contracts.codes import Code
from contracts.commands import COMMANDS, command_name
from contracts.currencies import iso_scales
from contracts.refusals import COMMAND_REFUSALS, OF_REQUESTS_ALONE, REFUSALS
from contracts.replies import Reply
from contracts.requests import REQUESTS, request_name
from contracts.results import Result
from contracts.topics import INPUTS, REPLIES, TopicSpec
from tests.places import REPOSITORY
from tests.unit.deploy.test_acls import documented
from tests.wire.golden import FOLDER
from workers.bootstrap.sidecar import SHOWN
from workers.config.settings import load_settings
from workers.identity.options import SEAL_AGE_MAX

DOCUMENT = document()
TEXT: str = DOCUMENT["info"]["description"]
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
SETTINGS = load_settings({}, REPOSITORY / "tests")
SAID = {name: [each["payload"] for each in MESSAGES[name]["examples"]] for name in MESSAGES}
GOLDEN = [
    json.loads(json.loads(path.read_text())["value"].encode("latin-1"))
    for path in sorted((FOLDER / "results").glob("*.json"))
]
ANSWERS = [*SAID["Result"], *SAID["Reply"], *GOLDEN]
every_topic = pytest.mark.parametrize("topic", PUBLIC, ids=lambda topic: topic.name)
HELD = {
    **{command_name(topic): (Result, held) for topic, held in RESULT_HOLDS.items()},
    **{request_name(topic): (Reply, held) for topic, held in REPLY_HOLDS.items()},
}


class TestExamples:
    @pytest.mark.parametrize("topic", COMMANDS, ids=lambda topic: topic.name)
    def test_show_each_command_accepted(self, topic: TopicSpec) -> None:
        assert (command_name(topic), "accepted") in {
            (each["type"], each["status"]) for each in SAID["Result"]
        }

    @pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
    def test_show_each_request_accepted(self, topic: TopicSpec) -> None:
        assert (request_name(topic), "accepted") in {
            (each["type"], each["status"]) for each in SAID["Reply"]
        }

    @pytest.mark.parametrize("code", Code)
    def test_show_each_code(self, code: Code) -> None:
        shown = {
            name: [each["error"] for each in SAID[name] if "error" in each]
            for name in ("Result", "Reply")
        }
        answered = {code for codes in REFUSALS.values() for code in codes}

        of_results = [each for each in shown["Result"] if each["code"] == code]
        of_replies = [each for each in shown["Reply"] if each["code"] == code]
        assert len(of_results) == (code not in OF_REQUESTS_ALONE)
        assert len(of_replies) == (code in answered)

    def test_show_a_code_where_it_can_be_had(self) -> None:
        listed = {
            **{command_name(topic): codes for topic, codes in COMMAND_REFUSALS.items()},
            **{request_name(topic): codes for topic, codes in REFUSALS.items()},
        }

        for each in (*SAID["Result"], *SAID["Reply"]):
            if "error" in each:
                assert each["error"]["code"] in listed[each["type"]]

    @pytest.mark.parametrize("code", [code for code in Code if code.info.dead_letter])
    def test_show_each_dead_letter(self, code: Code) -> None:
        kept, withheld = (
            [each["headers"]["dlq_code"] for each in MESSAGES[name]["examples"]]
            for name in ("DeadLetter", "WithheldDeadLetter")
        )

        assert code.value in withheld
        assert (code.value in kept) == (code is not Code.UNSEALED_PASSWORD)

    def test_show_both_outcomes_of_what_is_audited(self) -> None:
        assert {each["outcome"] for each in SAID["AuditRecorded"]} == {"accepted", "rejected"}


class TestRefusals:
    @pytest.mark.parametrize("topic", [*COMMANDS, *REQUESTS], ids=lambda topic: topic.name)
    def test_are_listed_with_each_command_and_request(self, topic: TopicSpec) -> None:
        [name] = DOCUMENT["channels"][channel_id(topic)]["messages"]
        listed = MESSAGES[name]["x-refusals"]

        assert listed == list({**COMMAND_REFUSALS, **REFUSALS}[topic])
        codes = DOCUMENT["components"]["schemas"]["Code"]["x-codes"]
        own = topic.name.rpartition(".")[2]
        assert listed == [
            each["code"] for each in codes if own in (*each["commands"], *each["requests"])
        ]


class TestStatus:
    @pytest.mark.parametrize("name", HELD)
    def test_implies_what_an_answer_holds(self, name: str) -> None:
        model, held = HELD[name]
        always = {field for field, each in model.model_fields.items() if each.is_required()}
        answers = [each for each in ANSWERS if each["type"] == name]

        for each in answers:
            beside = each.keys() - always
            if each["status"] == "accepted":
                assert beside == set(held)
            else:
                waits = each["error"]["code"] == Code.TOO_MANY_ATTEMPTS
                assert {"error"} <= beside <= {"error", *(["retry_after_s"] if waits else [])}
        assert {each["status"] for each in answers} >= {"accepted"}

    def test_is_told_of_each_command_and_request(self) -> None:
        assert RESULT_HOLDS.keys() == COMMANDS.keys()
        assert REPLY_HOLDS.keys() == REQUESTS.keys()


class TestAccess:
    def test_is_what_is_granted(self) -> None:
        """By `deploy/kafka-acls.sh`, which is held to docs/access.md."""
        said = {
            (role, f"topic:accounts.{name}", operation)
            for roles in (SERVICE, CALLERS)
            for role, rights in roles.items()
            for name, operations in rights.items()
            for operation in operations
        } | {(role, f"group:{name}", "Read") for role, names in GROUPS.items() for name in names}

        assert said == {grant for grant in documented() if grant[0] != "repairer"}

    @every_topic
    def test_is_told_of_each_operation(self, topic: TopicSpec) -> None:
        way = "receive" if topic.kind in INPUTS else "send"
        operation = DOCUMENT["operations"][f"{way}-{channel_id(topic)}"]
        taken, said = ("Read", "Write") if topic.kind in INPUTS else ("Write", "Read")

        roles = {
            each["role"]
            for each in operation["x-acl"]
            if {taken, said} & {*each["operations"]} and "topic" in each
        }
        assert roles & SERVICE.keys()
        assert roles & CALLERS.keys()
        assert operation["security"] == [
            {"$ref": f"#/components/securitySchemes/{name}"}
            for name in DOCUMENT["components"]["securitySchemes"]
        ]

    @pytest.mark.parametrize("topic", [*COMMANDS, *REQUESTS], ids=lambda topic: topic.name)
    def test_of_what_is_asked_includes_the_answer(self, topic: TopicSpec) -> None:
        acl = DOCUMENT["operations"][f"receive-{channel_id(topic)}"]["x-acl"]
        of_replies = {
            (each["role"], operation)
            for each in acl
            if each.get("topic", "").startswith(f"accounts.{REPLIES}")
            for operation in each["operations"]
        }

        assert {operation for role, operation in of_replies if role in SERVICE} == {"Write"}
        assert ("gateway", "Read") in of_replies

    def test_to_reply_topics_is_granted_by_somebody(self) -> None:
        assert (
            "grants the service the right to write"
            in DOCUMENT["channels"]["replies"]["description"]
        )


class TestServers:
    def test_are_three_environments_and_the_sidecar(self) -> None:
        protocols = {name: each["protocol"] for name, each in DOCUMENT["servers"].items()}

        assert protocols == {
            "development": "kafka",
            "staging": "kafka-secure",
            "production": "kafka-secure",
            "sidecar": "http",
        }

    def test_are_the_one_of_a_service_that_runs(self) -> None:
        servers = document(bootstrap="broker-1:9092,broker-2:9092")["servers"]

        assert servers.keys() == {"kafka", "sidecar"}
        assert servers["kafka"]["host"] == "broker-1:9092"

    @pytest.mark.parametrize("channel", DOCUMENT["channels"])
    def test_of_each_topic_are_those_of_kafka(self, channel: str) -> None:
        names = [each["$ref"] for each in DOCUMENT["channels"][channel]["servers"]]

        assert names == [f"#/servers/{name}" for name in ("development", "staging", "production")]

    @pytest.mark.parametrize("path", SHOWN)
    def test_say_what_the_sidecar_serves(self, path: str) -> None:
        assert f"`{path}`" in SIDECAR


class TestText:
    def test_names_each_family_of_clients(self) -> None:
        for client in CLIENTS:
            assert all(said in TEXT for said in client)

    @pytest.mark.parametrize("code", [code for code, scale in iso_scales().items() if scale != 2])
    def test_says_how_many_decimals_a_currency_has(self, code: str) -> None:
        of_scale = TEXT.partition(f"{iso_scales()[code]} of ")[2].partition(";")[0]

        assert f"`{code}`" in of_scale

    def test_says_what_is_set(self) -> None:
        assert SEAL_AGE_MAX.total_seconds() == 60 * SEAL_AGE_MIN
        assert (SETTINGS.token_issuer, SETTINGS.token_audience) == (
            ISSUER_DEFAULT,
            AUDIENCE_DEFAULT,
        )
        assert SETTINGS.token_leeway_s == LEEWAY_S
        assert SETTINGS.access_token_s == 5 * 60

    @pytest.mark.parametrize(
        "said", ["X25519", "P-256", "seconds since 1970", "use` enc", "use` sig"]
    )
    def test_says_which_keys_there_are(self, said: str) -> None:
        assert said in TEXT
