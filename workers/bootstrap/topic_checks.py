"""What must be true of the topics before anything is consumed: pure, over what Kafka says."""

from collections.abc import Iterator, Mapping

from contracts.topics import (
    DAY_MS,
    INPUTS,
    ORDERED,
    REVOCATIONS,
    TOPICS,
    WRITTEN_BYTES_MAX,
    Kind,
    TopicSpec,
)
from workers.kafka.topics import TopicState

REPLICATION_MIN = 3
"""With fewer copies one lost broker can mean lost money."""

IN_SYNC_MIN = 2
"""With fewer an acknowledged record may be on one broker only."""

TIME_MATTERS = {
    Kind.COMMAND: "order goes by broker time",
    Kind.REQUEST: "the age of a sign-in goes by broker time",
}
"""Why a sender's clock does not count, by what is sent."""

REVOCATIONS_KEPT_MS_MIN = DAY_MS
"""The longest life of an access token: a gateway that starts must find every session that ended."""


def topic_problems(states: Mapping[str, TopicState], prefix: str, state_sweep_s: int) -> list[str]:
    """Return one line for each reason not to start."""
    missing = [prefix + spec.name for spec in TOPICS if prefix + spec.name not in states]
    problems: list[str] = []
    if missing:
        problems.append(
            f"topics missing: {', '.join(missing)}; create them with `accounts topics apply`"
        )
    problems += _partition_problems(states, prefix)
    for spec in TOPICS:
        if state := states.get(prefix + spec.name):
            problems += _setting_problems(prefix + spec.name, spec, state, state_sweep_s)
    return problems


def _partition_problems(states: Mapping[str, TopicState], prefix: str) -> list[str]:
    names = [prefix + spec.name for spec in ORDERED if prefix + spec.name in states]
    counts = {name: states[name].partitions for name in names}
    if len(set(counts.values())) <= 1:
        return []
    found = ", ".join(f"{name} {count}" for name, count in counts.items())
    problem = (
        f"command topics have unequal partition counts ({found}), so one user's commands would "
        f"meet different workers: set ACCOUNTS_PARTITIONS={max(counts.values())} and run "
        "`accounts topics apply --add-partitions`"
    )
    return [problem]


def _setting_problems(
    name: str, spec: TopicSpec, state: TopicState, state_sweep_s: int
) -> Iterator[str]:
    def wrong(setting: str, need: str, why: str) -> str:
        now = state.config.get(setting, "unset")
        return (
            f"topic {name} has {setting}={now}, must be {need}: {why}; "
            "run `accounts topics apply --alter`"
        )

    policy = state.config.get("cleanup.policy", "")
    if set(policy.split(",")) != set(spec.cleanup.split(",")):
        why = "compaction loses records" if spec.cleanup == "delete" else "readers rely on it"
        yield wrong("cleanup.policy", spec.cleanup, why)
    if spec.kind in INPUTS:
        if state.config.get("message.timestamp.type") != "LogAppendTime":
            yield wrong("message.timestamp.type", "LogAppendTime", TIME_MATTERS[spec.kind])
    elif _number(state, "max.message.bytes") < WRITTEN_BYTES_MAX:
        yield wrong("max.message.bytes", f"{WRITTEN_BYTES_MAX} or more", "we write that much")
    if (
        spec.cleanup == "compact"
        and _number(state, "min.compaction.lag.ms") <= state_sweep_s * 1000
    ):
        need = f"{DAY_MS} (more than ACCOUNTS_STATE_SWEEP_S)"
        yield wrong("min.compaction.lag.ms", need, "compaction could keep an older state")
    if spec is REVOCATIONS and 0 <= _kept_ms(state) < REVOCATIONS_KEPT_MS_MIN:
        yield wrong("retention.ms", str(spec.retention_ms), "an ended session could be forgotten")


def topic_warnings(states: Mapping[str, TopicState]) -> list[str]:
    """Return one line for each way in which a lost broker could lose money."""
    few = [name for name, state in states.items() if state.replication < REPLICATION_MIN]
    in_sync = [
        name
        for name, state in states.items()
        if _number(state, "min.insync.replicas") < IN_SYNC_MIN
    ]
    unclean = [
        name
        for name, state in states.items()
        if state.config.get("unclean.leader.election.enable") == "true"
    ]
    found = (
        (few, f"replication below {REPLICATION_MIN}: one lost broker can mean lost money"),
        (in_sync, f"min.insync.replicas below {IN_SYNC_MIN}: an answer may be on one broker only"),
        (unclean, "unclean.leader.election.enable=true: acknowledged records can be lost"),
    )
    return [f"{_some(names)}: {text}" for names, text in found if names]


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} topics such as {names[0]}"


def _kept_ms(state: TopicState) -> int:
    """Return how long records are kept; below zero is for ever."""
    value = state.config.get("retention.ms", "")
    return int(value) if value.removeprefix("-").isdigit() else 0


def _number(state: TopicState, setting: str) -> int:
    value = state.config.get(setting, "")
    return int(value) if value.isdigit() else 0
