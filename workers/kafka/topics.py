"""Topics as Kafka has them: read, create and change them through the admin client."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

ALREADY_EXISTS = 36
"""TOPIC_ALREADY_EXISTS of Kafka's protocol: someone else created it meanwhile."""

SET_ON_TOPIC = 1
"""Config source DYNAMIC_TOPIC_CONFIG of Kafka's protocol: set on the topic itself."""

LOOK_PAUSE_S = 0.05
"""Between looks whether a new topic is known: short, as starts wait for it."""

LOOKS_MAX = 200
"""Ten seconds; usually a new topic is known at once."""


class KafkaRefusedError(Exception):
    """Kafka did not do what was asked. Says what, and Kafka's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """One topic as it is."""

    partitions: int
    replication: int
    """Copies of the partition that has the fewest."""
    config: Mapping[str, str]
    """Every setting as in force, defaults included."""
    overrides: Mapping[str, str]
    """Those set on the topic itself."""


async def read_topics(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, TopicState]:
    """Return those of *names* that exist.

    Raises:
        KafkaRefusedError: Kafka does not let us look.
    """
    try:
        # Asking for a topic by name can create it, so ask for all and choose.
        there = sorted(set(names) & set(await admin.list_topics()))
        if not there:
            return {}
        described = cast("list[dict[str, Any]]", await admin.describe_topics(there))
        configs = await _read_configs(admin, there)
    except KafkaError as error:
        raise KafkaRefusedError(f"Kafka did not describe the topics: {error!r}") from None
    return {
        topic["topic"]: TopicState(
            partitions=len(topic["partitions"]),
            replication=min((len(one["replicas"]) for one in topic["partitions"]), default=0),
            config=configs[topic["topic"]][0],
            overrides=configs[topic["topic"]][1],
        )
        for topic in described
    }


async def _read_configs(
    admin: AIOKafkaAdminClient, names: Sequence[str]
) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for response in cast("list[Any]", await admin.describe_configs(resources)):
        for code, message, _, name, entries in response.resources:
            _check(code, message, f"show the settings of {name}")
            every = {entry[0]: entry[1] or "" for entry in entries}
            own = {entry[0]: entry[1] or "" for entry in entries if entry[3] == SET_ON_TOPIC}
            configs[name] = every, own
    return configs


async def create_topics(admin: AIOKafkaAdminClient, topics: Collection[NewTopic]) -> None:
    """Create *topics* and wait until they are known; those that exist stay as they are.

    Raises:
        KafkaRefusedError: One could not be created.
    """
    names = {cast("str", topic.name) for topic in topics}
    response = cast("Any", await admin.create_topics(list(topics)))
    for name, code, message in response.topic_errors:
        if code != ALREADY_EXISTS:
            _check(code, message, f"create {name}")
    await _wait_until_known(admin, names)


async def _wait_until_known(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    for _ in range(LOOKS_MAX):
        if names <= set(await admin.list_topics()):
            return
        await asyncio.sleep(LOOK_PAUSE_S)
    raise KafkaRefusedError("Kafka created the topics but does not list them yet")


async def add_partitions(admin: AIOKafkaAdminClient, name: str, total: int) -> None:
    """Raise the number of partitions of one topic to *total*.

    Raises:
        KafkaRefusedError: It could not be done.
    """
    try:
        await admin.create_partitions({name: NewPartitions(total)})
    except KafkaError as error:
        raise KafkaRefusedError(f"Kafka did not add partitions to {name}: {error}") from None


async def alter_topic(admin: AIOKafkaAdminClient, name: str, settings: Mapping[str, str]) -> None:
    """Make *settings* the topic's own; this request drops every own setting not named.

    Raises:
        KafkaRefusedError: It could not be done.
    """
    resource = ConfigResource(ConfigResourceType.TOPIC, name, dict(settings))
    for response in cast("list[Any]", await admin.alter_configs([resource])):
        for code, message, _, _ in response.resources:
            _check(code, message, f"change {name}")


def _check(code: int, message: str | None, attempt: str) -> None:
    if code:
        reason = message or type(for_code(code)()).__name__
        raise KafkaRefusedError(f"Kafka did not {attempt}: {reason}")
