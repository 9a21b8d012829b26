"""Gathers what a run leaves behind, from its servers."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from contracts.topics import BALANCES, TOPICS
from tests.simulation.checker.evidence import (
    PREFIX,
    Calm,
    Evidence,
    Stood,
    Struck,
    Transaction,
    Versions,
)
from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.mongo.server import MongoServer
from tests.simulation.outside import Outside
from tests.simulation.world import World

Written = Mapping[str, Mapping[Any, Versions]]


def evidence_of(world: World, outside: Outside, unread: Collection[str], calm: Calm) -> Evidence:
    """Return all that a run leaves behind."""
    kafka = world.servers.kafka
    written, struck = _sound(world.servers.mongo.written("accounts"), world.struck)
    return Evidence(
        history=world.history,
        topics=_stood(kafka),
        unread=list(unread),
        documents={
            name: [last for each in documents.values() if each and (last := each[-1][1])]
            for name, documents in written.items()
        },
        sent=outside.sent,
        commits=[
            each._replace(topic=each.topic.removeprefix(PREFIX))
            for each in kafka.commits
            if each.topic in kafka.topics and each.said == str(kafka.topics[each.topic].topic_id)
        ],
        written=written,
        calm=calm,
        times_ms={
            batch.number: batch.time_ms
            for log in kafka.topics[PREFIX + BALANCES.name].logs
            for batch in log.batches
        },
        struck=struck,
        transactions=_transactions(world.servers.mongo),
        remade=[
            spec.name
            for spec in TOPICS
            if (topic := kafka.topics.get(PREFIX + spec.name)) and topic.topic_id.int > len(TOPICS)
        ],
    )


def _sound(written: Written, struck: Struck | None) -> tuple[Written, Struck | None]:
    """Return what was written without what somebody else changed, and what came after that."""
    if struck is None:
        return written, None
    documents = written[struck.collection]
    versions = documents[struck.id]
    before = [each for each in versions if each[0] < struck.number]
    after = [each for each in versions if each[0] > struck.number]
    sound = {**documents, struck.id: before}
    return {**written, struck.collection: sound}, replace(struck, after=after)


def _transactions(mongo: MongoServer) -> dict[int, Transaction]:
    """Return who committed what: a session bears the name of its process's connection."""
    return {
        number: Transaction(mongo.processes[session.rpartition("-")[0]], at_s)
        for number, (session, at_s) in mongo.commits.items()
    }


def _stood(kafka: SimulatedKafka) -> dict[str, list[Stood]]:
    return {
        name.removeprefix(PREFIX): [
            Stood(
                name.removeprefix(PREFIX),
                record.partition,
                record.offset,
                record.timestamp,
                record.key,
                record.value,
                tuple(record.headers),
                number,
            )
            for number, record in kafka.numbered(name)
        ]
        for name in kafka.topics
        if any(log.end for log in kafka.topics[name].logs)
    }
