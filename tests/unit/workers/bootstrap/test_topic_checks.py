"""What is said about topics that a worker must not start on, and how they are planned."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from contracts.topics import (
    BALANCES,
    DEPOSIT,
    LOGIN,
    RESULTS,
    REVOCATIONS,
    TOPICS,
    WITHDRAW,
    TopicSpec,
)
from workers.bootstrap.topic_checks import topic_problems, topic_warnings
from workers.kafka.topic_plan import Action, Shape, plan
from workers.kafka.topics import TopicState

PREFIX = "t."
SWEEP_S = 21_600
SHAPE = Shape(prefix=PREFIX, partitions=12, replication=3)
SAFE = {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}


def a_topic(spec: TopicSpec, **config: str) -> TopicState:
    settings = {name.replace("_", "."): value for name, value in config.items()}
    overrides = spec.config() | settings
    return TopicState(partitions=12, replication=3, config=SAFE | overrides, overrides=overrides)


def as_needed() -> dict[str, TopicState]:
    return {PREFIX + spec.name: a_topic(spec) for spec in TOPICS}


def with_topic(spec: TopicSpec, state: TopicState) -> dict[str, TopicState]:
    return as_needed() | {PREFIX + spec.name: state}


def problems(states: Mapping[str, TopicState]) -> list[str]:
    return topic_problems(states, PREFIX, SWEEP_S)


class TestChecks:
    def test_find_nothing_where_all_is_as_it_should_be(self) -> None:
        assert problems(as_needed()) == []
        assert topic_warnings(as_needed()) == []

    def test_name_every_missing_topic_in_one_line(self) -> None:
        states = as_needed()
        del states["t.results"], states["t.commands.deposit"]

        [problem] = problems(states)

        assert problem.startswith("topics missing: t.commands.deposit, t.results; ")
        assert problem.endswith("`accounts topics apply`")

    def test_refuse_unequal_partition_counts_of_the_command_topics(self) -> None:
        [problem] = problems(with_topic(DEPOSIT, replace(a_topic(DEPOSIT), partitions=24)))

        assert "unequal partition counts" in problem
        assert "t.commands.deposit 24, t.commands.update-profile 12" in problem
        assert "ACCOUNTS_PARTITIONS=24" in problem

    def test_leave_the_partition_count_of_other_topics_free(self) -> None:
        assert problems(with_topic(RESULTS, replace(a_topic(RESULTS), partitions=1))) == []

    @pytest.mark.parametrize(
        ("spec", "setting", "value", "said"),
        [
            (WITHDRAW, "message.timestamp.type", "CreateTime", "must be LogAppendTime"),
            (LOGIN, "message.timestamp.type", "CreateTime", "must be LogAppendTime: the age"),
            (WITHDRAW, "cleanup.policy", "compact", "must be delete: compaction loses records"),
            (BALANCES, "cleanup.policy", "delete", "must be compact"),
            (REVOCATIONS, "cleanup.policy", "compact", "must be compact,delete: readers"),
            (BALANCES, "min.compaction.lag.ms", "21600000", "must be 86400000 (more than"),
            (REVOCATIONS, "retention.ms", "86399999", "must be 172800000: an ended session"),
            (RESULTS, "max.message.bytes", "1114111", "must be 1114112 or more"),
        ],
    )
    def test_refuse_a_wrong_setting(
        self, spec: TopicSpec, setting: str, value: str, said: str
    ) -> None:
        state = a_topic(spec, **{setting.replace(".", "_"): value})

        [problem] = problems(with_topic(spec, state))

        assert f"topic t.{spec.name} has {setting}={value}, {said}" in problem
        assert problem.endswith("`accounts topics apply --alter`")

    @pytest.mark.parametrize("kept", ["86400000", "-1"])
    def test_accept_revocations_that_are_kept_as_long_as_a_token_may_live(self, kept: str) -> None:
        state = a_topic(REVOCATIONS, retention_ms=kept)

        assert problems(with_topic(REVOCATIONS, state)) == []

    def test_accept_both_ways_of_cleaning_up_in_either_order(self) -> None:
        state = a_topic(REVOCATIONS, cleanup_policy="delete,compact")

        assert problems(with_topic(REVOCATIONS, state)) == []

    def test_accept_a_compaction_lag_just_longer_than_a_sweep(self) -> None:
        state = a_topic(BALANCES, min_compaction_lag_ms="21600001")

        assert problems(with_topic(BALANCES, state)) == []

    def test_warn_of_what_a_lost_broker_could_cost(self) -> None:
        state = a_topic(RESULTS, min_insync_replicas="1", unclean_leader_election_enable="true")
        states = with_topic(RESULTS, replace(state, replication=2))

        warnings = topic_warnings(states)

        assert [line.split(" ")[0] for line in warnings] == ["t.results:"] * 3
        assert problems(states) == []


class TestPlan:
    def test_is_empty_where_all_is_as_it_should_be(self) -> None:
        assert plan(as_needed(), SHAPE) == []

    def test_creates_what_is_missing(self) -> None:
        changes = plan({}, SHAPE)

        assert [change.topic for change in changes] == [PREFIX + spec.name for spec in TOPICS]
        assert {change.action for change in changes} == {Action.CREATE}

    @pytest.mark.parametrize(
        ("partitions", "action"), [(11, Action.ADD_PARTITIONS), (13, Action.NONE)]
    )
    def test_adds_partitions_and_never_takes_any(self, partitions: int, action: Action) -> None:
        states = with_topic(DEPOSIT, replace(a_topic(DEPOSIT), partitions=partitions))

        [change] = plan(states, SHAPE)

        assert (change.action, change.setting) == (action, "partitions")
        assert (change.now, change.wanted) == (str(partitions), "12")

    def test_names_a_differing_setting(self) -> None:
        [change] = plan(with_topic(RESULTS, a_topic(RESULTS, retention_ms="1")), SHAPE)

        assert (change.action, change.setting, change.now) == (Action.ALTER, "retention.ms", "1")
