"""Reads the topic of balance events from its beginning, for whoever compares it."""

from collections.abc import Collection

from cli.service.connection import kafka_of
from cli.verification.published import PublishedEvents
from cli.verification.tally import Tally
from client.reader import open_reader
from contracts import topics
from workers.config.settings import Settings


async def read_published(
    settings: Settings,
    tally: Tally,
    published: PublishedEvents,
    *,
    only: Collection[str] | None,
) -> None:
    """Give *published* all events that are kept, or only those of some users.

    Partitions were perhaps added meanwhile, so a user's events may stand in any of them.
    """
    name = settings.topic_prefix + topics.BALANCE_EVENTS.name
    keys = None if only is None else {username.encode() for username in only}
    async with open_reader(kafka_of(settings), [name], "beginning") as reader:
        expired = {part.partition for part, offset in reader.beginnings.items() if offset > 0}
        total = sum(end - reader.beginnings[part] for part, end in reader.ends.items())
        with tally.progress("balance events", total) as advance:
            while not await reader.caught_up():
                records = await reader.poll()
                for record in records:
                    if record.partition in expired:
                        published.look_at(record)
                    if keys is None or record.key in keys:
                        published.add(record, expired=record.partition in expired)
                advance(len(records))
                tally.take(published.findings)
    tally.events = published.count
