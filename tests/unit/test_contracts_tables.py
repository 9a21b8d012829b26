"""Topics and codes are data: complete, and in agreement with each other."""

import re

import pytest

from contracts import topics
from contracts.codes import CODES, Code
from contracts.commands import COMMANDS, command_name
from contracts.headers import HEADER_LENGTH_MAX
from contracts.topics import ORDERED, RECORD_BYTES_MAX, TOPICS, WRITTEN_BYTES_MAX, Kind, TopicSpec


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
            Code.COMMAND_ID_CONFLICT,
        }
        assert {code for code in Code if code.info.dead_letter} < undecided
        assert not any(code.info.liftable for code in undecided)

    def test_wait_where_the_users_other_commands_could_help(self) -> None:
        liftable = {code for code in Code if code.info.liftable}

        assert {Code.UNKNOWN_ACCOUNT, Code.INSUFFICIENT_FUNDS} <= liftable
        assert not liftable & {Code.USERNAME_TAKEN, Code.EMAIL_TAKEN}


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

    def test_ties_are_decided_register_then_credits_then_debits(self) -> None:
        ranked = sorted(ORDERED, key=lambda topic: topic.rank or 0)

        names = [command_name(topic) for topic in ranked]
        assert names == ["register", "deposit", "update-profile", "withdraw"]
        assert len({topic.rank for topic in ORDERED}) == len(ORDERED)

    @pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
    def test_are_configured_by_their_kind(self, topic: TopicSpec) -> None:
        config = topic.config()

        ordered = topic.kind is Kind.COMMAND
        assert (config.get("message.timestamp.type") == "LogAppendTime") is ordered
        longest = RECORD_BYTES_MAX if ordered else WRITTEN_BYTES_MAX
        assert config["max.message.bytes"] == str(longest)
        assert config["cleanup.policy"] == topic.cleanup
        assert ("retention.ms" in config) is (topic.cleanup == "delete")

    def test_waiting_passwords_live_as_long_as_the_commands_that_brought_them(self) -> None:
        assert topics.CREDENTIALS.retention_ms == topics.REGISTER.retention_ms

    def test_passwords_travel_on_topics_that_are_known_for_it(self) -> None:
        secret = {topic for topic in TOPICS if topic.carries_secrets}

        assert secret == {topics.REGISTER, topics.CREDENTIALS}


@pytest.mark.parametrize(("name", "longest"), HEADER_LENGTH_MAX.items())
def test_every_header_that_is_read_has_a_bound(name: str, longest: int) -> None:
    assert re.fullmatch(r"[a-z_]+", name)
    assert 0 < longest <= 512
