"""`accounts offsets skip`: goes on behind a batch that nobody can decode."""

import asyncio

from aiokafka import TopicPartition

from cli.screen.asking_first import Consent
from cli.screen.output import CliError, output
from cli.service.connection import kafka_of
from contracts.topics import CREDENTIALS, INPUTS, TOPICS, TopicSpec
from workers.config.groups import group_of
from workers.config.settings import Settings
from workers.housekeeping.undecodable import add_dead_letter, undecodable_at
from workers.kafka.offsets import move, must_rest, place_of


def skip_batch(settings: Settings, part: TopicPartition, consent: Consent) -> None:
    """Leave a dead letter for the batch that stopped *part*, and read on behind it."""
    name = part.topic.removeprefix(settings.topic_prefix)
    known = {topic.name: topic for topic in TOPICS if topic.kind in INPUTS or topic is CREDENTIALS}
    if name not in known:
        raise CliError(f"{part.topic} is none of the topics that this service reads")
    asyncio.run(_skip(settings, part, known[name], consent))


async def _skip(
    settings: Settings, part: TopicPartition, topic: TopicSpec, consent: Consent
) -> None:
    group = group_of(settings, topic)
    place = await place_of(settings, kafka_of(settings), group, part)
    offset = place.beginning if place.committed is None else place.committed
    batch = await undecodable_at(settings, part, offset)
    where = f"{part.topic}:{part.partition}"
    if not output().is_json:
        what = f"the records {batch.first} to {batch.offset} cannot be decoded: {batch.fault}"
        output().record({}, f"{group}, {where}: {what}")
    skipped = consent.is_given(f"Skip them in {where}? Nobody will answer them.")
    if skipped:
        await must_rest(settings, group)
        await add_dead_letter(settings, batch, topic, group)
        await move(settings, group, part, batch.offset + 1)
    record = {
        "group": group,
        "topic": part.topic,
        "partition": part.partition,
        "first": batch.first,
        "last": batch.offset,
        "reason": batch.fault,
        "skipped": skipped,
    }
    done = f"✓ {where} is read from {batch.offset + 1} on; a dead letter says what was skipped"
    output().record(record, done if skipped else "nothing was changed")
