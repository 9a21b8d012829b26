"""Brings the topics in Kafka to what the contract says, and never more than was allowed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.topics import TOPICS, TopicSpec
from workers.config.settings import Settings
from workers.kafka.connection import kafka_admin
from workers.kafka.topics import (
    TopicState,
    add_partitions,
    alter_topic,
    create_topics,
    read_topics,
)


class Action(StrEnum):
    """What would bring a topic to what it should be."""

    CREATE = "create"
    ADD_PARTITIONS = "add-partitions"
    ALTER = "alter"
    NONE = "cannot be changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicChange:
    """One difference between a topic as it is and as it should be."""

    topic: str
    action: Action
    setting: str
    now: str
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How topics are created where the contract leaves it open."""

    prefix: str
    partitions: int
    replication: int


def shape_of(settings: Settings) -> Shape:
    """Return what *settings* say about topics."""
    return Shape(
        prefix=settings.topic_prefix,
        partitions=settings.partitions,
        replication=settings.replication_factor,
    )


def plan(
    existing: Mapping[str, TopicState], shape: Shape, specs: Sequence[TopicSpec] = TOPICS
) -> list[TopicChange]:
    """Return what differs, topic by topic; empty when all is as it should be."""
    changes: list[TopicChange] = []
    for spec in specs:
        name = shape.prefix + spec.name
        if name not in existing:
            wanted = f"{shape.partitions} partitions, {_said(spec.config())}"
            changes.append(
                TopicChange(
                    topic=name, action=Action.CREATE, setting="", now="missing", wanted=wanted
                )
            )
        else:
            changes += _differences(name, existing[name], spec, shape)
    return changes


def _differences(name: str, state: TopicState, spec: TopicSpec, shape: Shape) -> list[TopicChange]:
    changes: list[TopicChange] = []

    def differs(action: Action, setting: str, now: object, wanted: object) -> None:
        changes.append(
            TopicChange(
                topic=name, action=action, setting=setting, now=str(now), wanted=str(wanted)
            )
        )

    if state.partitions != shape.partitions:
        more = state.partitions < shape.partitions
        action = Action.ADD_PARTITIONS if more else Action.NONE
        differs(action, "partitions", state.partitions, shape.partitions)
    if state.replication != shape.replication:
        differs(Action.NONE, "replication", state.replication, shape.replication)
    for setting, wanted in spec.config().items():
        now = state.config.get(setting, "")
        if now != wanted:
            differs(Action.ALTER, setting, now, wanted)
    return changes


def _said(config: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in config.items())


async def apply(
    admin: AIOKafkaAdminClient,
    shape: Shape,
    *,
    allowed: frozenset[Action] = frozenset({Action.CREATE}),
    specs: Sequence[TopicSpec] = TOPICS,
) -> list[TopicChange]:
    """Make the changes of the *allowed* kinds; return all differences found before.

    Raises:
        KafkaRefusedError: Kafka did not do what was asked.
    """
    existing = await read_topics(admin, [shape.prefix + spec.name for spec in specs])
    changes = plan(existing, shape, specs)
    named = {shape.prefix + spec.name: spec for spec in specs}
    doing = {action: _topics(changes, action) for action in allowed}
    if created := doing.get(Action.CREATE):
        await create_topics(admin, [_new(name, named[name], shape) for name in created])
    for name in doing.get(Action.ADD_PARTITIONS, ()):
        await add_partitions(admin, name, shape.partitions)
    for name in doing.get(Action.ALTER, ()):
        await alter_topic(admin, name, {**existing[name].overrides, **named[name].config()})
    return changes


def _topics(changes: Sequence[TopicChange], action: Action) -> list[str]:
    """Return each topic once, in order."""
    return list(dict.fromkeys(change.topic for change in changes if change.action is action))


def _new(name: str, spec: TopicSpec, shape: Shape) -> NewTopic:
    return NewTopic(name, shape.partitions, shape.replication, topic_configs=spec.config())


async def apply_topics(
    settings: Settings, *, allowed: frozenset[Action] = frozenset({Action.CREATE})
) -> list[TopicChange]:
    """Connect, make the *allowed* changes, and return all differences found before.

    Raises:
        KafkaUnreachableError: No broker answered.
        KafkaRefusedError: Kafka did not do what was asked.
    """
    async with kafka_admin(settings) as admin:
        return await apply(admin, shape_of(settings), allowed=allowed)
