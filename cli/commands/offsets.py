"""`accounts offsets`: how far the consumer groups have read, and how to move them."""

import asyncio
from typing import Annotated

import typer
from aiokafka import TopicPartition

from cli.arguments.option_groups import add_command
from cli.commands.offsets_skip import skip_batch
from cli.groups import a_group
from cli.screen.asking_first import Consent
from cli.screen.output import CliError, output
from cli.service.connection import kafka_of
from workers.config.settings import Settings, load_settings
from workers.kafka.offsets import Place, committed, move, place_of

COLUMNS = ("group", "topic", "partition", "offset", "kept from", "end", "to read")

Group = Annotated[str, typer.Argument(metavar="GROUP", show_default=False)]
Topic = Annotated[
    str,
    typer.Argument(metavar="TOPIC", help="With the prefix or without.", show_default=False),
]
Partition = Annotated[int, typer.Argument(metavar="PARTITION", show_default=False)]
Offset = Annotated[
    str,
    typer.Argument(
        metavar="OFFSET",
        help="Of the next record to read; or `beginning`, `end`.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    offsets = a_group("Show how far the consumer groups have read, or move one of them.")
    offsets.command("show")(show)
    add_command(offsets, "set", move_to)
    add_command(offsets, "skip", skip)
    app.add_typer(offsets, name="offsets")


def show(
    group: Annotated[
        str | None,
        typer.Argument(metavar="GROUP", help="This one alone.", show_default=False),
    ] = None,
) -> None:
    """Show how far each consumer group has read, and how much is left."""
    settings = load_settings()
    groups = [group] if group is not None else groups_of(settings)
    places = asyncio.run(committed(settings, groups))
    output().table(COLUMNS, [_row(place) for place in places])


def move_to(
    group: Group, topic: Topic, partition: Partition, offset: Offset, consent: Consent
) -> None:
    """Let a group read on from another offset, once its workers are stopped."""
    settings = load_settings()
    if group not in groups_of(settings):
        raise CliError(f"{group} is none of {', '.join(groups_of(settings))}")
    asyncio.run(_move(settings, group, _partition(settings, topic, partition), offset, consent))


def skip(topic: Topic, partition: Partition, consent: Consent) -> None:
    """Go on behind a batch that nobody can decode, once the workers are stopped."""
    settings = load_settings()
    skip_batch(settings, _partition(settings, topic, partition), consent)


def groups_of(settings: Settings) -> list[str]:
    """Return the names of this service's consumer groups."""
    return [
        settings.ledger.group,
        settings.identity_group,
        settings.signin_group,
        settings.sessions_group,
        settings.query_group,
    ]


def _partition(settings: Settings, topic: str, partition: int) -> TopicPartition:
    prefix = settings.topic_prefix
    return TopicPartition(topic if topic.startswith(prefix) else prefix + topic, partition)


async def _move(
    settings: Settings, group: str, part: TopicPartition, offset: str, consent: Consent
) -> None:
    place = await place_of(settings, kafka_of(settings), group, part)
    to = _offset(place, offset)
    consequence = _consequence(place, to)
    where = f"{part.topic}:{part.partition}"
    if not output().is_json:
        was = "nothing" if place.committed is None else str(place.committed)
        output().record({}, f"{group}, {where}: {was} → {to}; {consequence}")
    moved = consent.is_given(f"Set the offset of {group} in {where}?")
    if moved:
        await move(settings, group, part, to)
    record = {
        "group": group,
        "topic": part.topic,
        "partition": part.partition,
        "was": place.committed,
        "offset": to,
        "consequence": consequence,
        "moved": moved,
    }
    output().record(record, f"✓ {where} is read from {to} on" if moved else "nothing was changed")


def _offset(place: Place, said: str) -> int:
    named = {"beginning": place.beginning, "end": place.end}
    if said not in named and not said.isdecimal():
        raise CliError(f"{said} is no offset: say a number, `beginning` or `end`")
    to = named[said] if said in named else int(said)
    if not place.beginning <= to <= place.end:
        raise CliError(f"{to} is outside of what is kept: {place.beginning} to {place.end}")
    return to


def _consequence(place: Place, to: int) -> str:
    """Return what the move means for the records in between."""
    now = place.beginning if place.committed is None else place.committed
    if to > now:
        return f"up to {to - now} records are skipped: nobody answers them"
    if to < now:
        return f"up to {now - to} records are read again: what was decided is answered as before"
    return "nothing is skipped or read again"


def _row(place: Place) -> tuple[str, ...]:
    now = place.beginning if place.committed is None else place.committed
    return (
        place.group,
        place.partition.topic,
        str(place.partition.partition),
        "" if place.committed is None else str(place.committed),
        str(place.beginning),
        str(place.end),
        str(max(0, place.end - now)),
    )
