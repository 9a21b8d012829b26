"""`accounts watch`: show results and events as they are published."""

import asyncio
import base64
import os
import sys
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer

from cli.arguments.options import flag, text
from cli.screen.output import output
from cli.screen.watched import Watched, line
from cli.service.connection import kafka_of
from client.kafka import Record
from client.reader import Start, open_reader
from client.received import headers_of
from contracts import topics
from workers.config.settings import load_settings


class Topic(StrEnum):
    """What can be watched, by short names."""

    RESULTS = "results"
    BALANCE = "balance"
    AUDIT = "audit"
    STATE = "state"
    REVOCATIONS = "revocations"
    DEAD_LETTERS = "dead-letters"


NAMES = {
    Topic.RESULTS: topics.RESULTS.name,
    Topic.BALANCE: topics.BALANCE_EVENTS.name,
    Topic.AUDIT: topics.AUDIT_EVENTS.name,
    Topic.STATE: topics.BALANCES.name,
    Topic.REVOCATIONS: topics.REVOCATIONS.name,
    Topic.DEAD_LETTERS: topics.DEAD_LETTERS.name,
}

USUAL = [Topic.RESULTS, Topic.BALANCE, Topic.AUDIT, Topic.DEAD_LETTERS]
"""Watched where none is named: everything that says something new."""


def register(app: typer.Typer) -> None:
    """Add `watch` to *app*."""
    app.command("watch")(watch)


def watch(
    *,
    topic: Annotated[
        list[Topic] | None,
        typer.Option(
            "--topic",
            help="Only this one; may be repeated. By default all but state and revocations.",
        ),
    ] = None,
    user: Annotated[
        list[str] | None, text("--user", "USER", "Only this user; may be repeated.")
    ] = None,
    from_beginning: Annotated[
        bool, flag("--from-beginning", "Start with all that is kept.")
    ] = False,
) -> None:
    """Show results, balance events, audit events and dead letters, live. Ctrl-C ends it."""
    chosen = topic or USUAL
    start: Start = "beginning" if from_beginning else "end"
    try:
        asyncio.run(_watch(chosen, frozenset(user or ()), start))
    except BrokenPipeError:
        # Whoever read our lines has seen enough, as `head` does; nothing can be flushed any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _watch(chosen: list[Topic], users: frozenset[str], start: Start) -> None:
    settings = load_settings()
    names = {settings.topic_prefix + NAMES[topic]: topic for topic in chosen}
    console = output().console()
    async with open_reader(kafka_of(settings), [*names], start) as reader:
        if output().is_live:
            whom = f" of {', '.join(sorted(users))}" if users else ""
            output().note(f"watching {', '.join(chosen)}{whom}; Ctrl-C ends it")
        while True:
            records = await reader.poll()
            for record in sorted(records, key=lambda record: record.timestamp):
                if users and _user(record) not in users:
                    continue
                watched = _watched(record, names[record.topic])
                if output().is_json:
                    output().record(_as_record(record, watched), "")
                else:
                    console.print(line(watched))


def _user(record: Record) -> str:
    return (record.key or b"").decode(errors="replace")


def _watched(record: Record, topic: Topic) -> Watched:
    try:
        body = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        body = None
    return Watched(
        topic=topic,
        timestamp_ms=record.timestamp,
        key=_user(record),
        headers=headers_of(record),
        body=body,
    )


def _as_record(record: Record, watched: Watched) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp,
        "key": watched.key,
        "headers": watched.headers,
    }
    if watched.body is not None:
        return shown | {"value": watched.body}
    return shown | {"value_base64": base64.b64encode(record.value or b"").decode()}
