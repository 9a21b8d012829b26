"""Topics and codes are data: complete, and in agreement with each other."""

import re

import pytest

from contracts import topics
from contracts.codes import CODES, Code
from contracts.commands import COMMANDS, command_name
from contracts.headers import HEADER_LENGTH_MAX
from contracts.refusals import OF_REQUESTS_ALONE, REFUSALS
from contracts.requests import IDENTITY_REQUESTS, QUERIES, REQUESTS, request_name
from contracts.sealing import Purpose
from contracts.topics import (
    INPUTS,
    ORDERED,
    RECORD_BYTES_MAX,
    TOPICS,
    WRITTEN_BYTES_MAX,
    Kind,
    TopicSpec,
)


class TestCodes:
    @pytest.mark.parametrize("code", Code)
    def test_each_says_what_it_means(self, code: Code) -> None:
        assert code.info.title
        assert code.info.meaning.endswith(".")

    def test_stand_in_one_order_everywhere(self) -> None:
        assert list(CODES) == list(Code)

    def test_what_is_no_decision_leaves_no_record_and_may_not_wait(self) -> None:
        undecided = {code for code in Code if not code.info.recorded}

        assert undecided == {
            Code.INVALID_COMMAND,
            Code.UNSEALED_PASSWORD,
            Code.INTERNAL_ERROR,
            Code.ACCOUNT_UNREADABLE,
            Code.COMMAND_ID_CONFLICT,
            *OF_REQUESTS_ALONE,
        }
        assert {code for code in Code if code.info.dead_letter} < undecided
        assert not any(code.info.depends_on_other_commands for code in undecided)

    def test_wait_where_the_users_other_commands_could_help(self) -> None:
        depends_on_other_commands = {code for code in Code if code.info.depends_on_other_commands}

        assert {Code.UNKNOWN_ACCOUNT, Code.INSUFFICIENT_FUNDS} <= depends_on_other_commands
        assert not depends_on_other_commands & {Code.USERNAME_TAKEN, Code.EMAIL_TAKEN}

    @pytest.mark.parametrize("code", sorted(OF_REQUESTS_ALONE))
    def test_of_requests_alone_can_be_had_by_some(self, code: Code) -> None:
        assert any(code in codes for codes in REFUSALS.values())


class TestRequests:
    def test_have_a_topic_each(self) -> None:
        assert set(REQUESTS) == {topic for topic in TOPICS if topic.kind is Kind.REQUEST}

    @pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
    def test_can_be_refused_in_order_of_precedence(self, topic: TopicSpec) -> None:
        codes = REFUSALS[topic]

        assert list(codes) == [code for code in Code if code in codes]
        assert {Code.INVALID_REQUEST, Code.INTERNAL_ERROR} <= set(codes)
        assert Code.INVALID_COMMAND not in codes

    @pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
    def test_with_sealed_fields_travel_on_topics_that_carry_secrets(self, topic: TopicSpec) -> None:
        name = request_name(topic)
        sealed = {
            f"{name}.{field}"
            for field in REQUESTS[topic].model_fields
            if field.startswith("sealed_")
        }

        assert topic.carries_secrets is bool(sealed)
        assert sealed <= set(Purpose)
        assert (Code.SEAL_INVALID in REFUSALS[topic]) is bool(sealed)

    def test_sign_users_in_and_out_or_only_ask(self) -> None:
        assert set(IDENTITY_REQUESTS) == {topic for topic in REQUESTS if topic.carries_secrets}
        assert set(QUERIES) == set(REQUESTS) - set(IDENTITY_REQUESTS)


class TestTopics:
    @pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
    def test_names_are_lower_case_with_dots_and_hyphens(self, topic: TopicSpec) -> None:
        assert re.fullmatch(r"[a-z]+([.-][a-z]+)*", topic.name)

    def test_names_are_told_apart(self) -> None:
        assert len({topic.name for topic in TOPICS}) == len(TOPICS)
        # Kafka's metrics write dots as underscores.
        assert len({re.sub(r"[.-]", "_", topic.name) for topic in TOPICS}) == len(TOPICS)

    def test_every_command_has_a_topic_and_every_ordered_topic_a_command(self) -> None:
        assert set(COMMANDS) == set(ORDERED) == {t for t in TOPICS if t.kind is Kind.COMMAND}

    def test_ties_are_decided_open_register_then_credits_then_debits(self) -> None:
        ranked = sorted(ORDERED, key=lambda topic: topic.rank or 0)

        names = [command_name(topic) for topic in ranked]
        assert names == ["open", "register", "deposit", "update-profile", "withdraw"]
        assert len({topic.rank for topic in ORDERED}) == len(ORDERED)
        assert [*ORDERED] == ranked, "they stand in `TOPICS` so, too"

    @pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
    def test_are_configured_by_their_kind(self, topic: TopicSpec) -> None:
        config = topic.config()

        read = topic.kind in INPUTS
        assert (config.get("message.timestamp.type") == "LogAppendTime") is read
        longest = RECORD_BYTES_MAX if read else WRITTEN_BYTES_MAX
        assert config["max.message.bytes"] == str(longest)
        assert config["cleanup.policy"] == topic.cleanup
        assert ("retention.ms" in config) is ("delete" in topic.cleanup)

    def test_waiting_passwords_live_as_long_as_the_commands_that_brought_them(self) -> None:
        assert topics.CREDENTIALS.retention_ms == topics.REGISTER.retention_ms

    def test_passwords_travel_on_topics_that_are_known_for_it(self) -> None:
        secret = {topic for topic in TOPICS if topic.carries_secrets}

        assert secret == {topics.OPEN, topics.REGISTER, topics.CREDENTIALS, *IDENTITY_REQUESTS}


@pytest.mark.parametrize(("name", "longest"), HEADER_LENGTH_MAX.items())
def test_every_header_that_is_read_has_a_bound(name: str, longest: int) -> None:
    assert re.fullmatch(r"[a-z_]+|kafka_[A-Za-z]+", name)  # Spring's have their own spelling
    assert 0 < longest <= 512
