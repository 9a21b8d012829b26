"""`accounts dead-letters`: what could not be decided, and how to send it again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import flag, text
from cli.groups import a_group
from cli.screen.asking_first import Consent
from cli.screen.output import CliError, output
from cli.service.connection import kafka_of
from client.reader import open_reader
from contracts import topics
from contracts.dead_letters import DlqHeader
from workers.config.settings import Settings, load_settings
from workers.housekeeping.replaying import CannotReplayError, DeadLetter, Originals
from workers.kafka.connection import kafka_connection
from workers.kafka.publisher import kafka_publisher
from workers.kafka.publishing import Outgoing, PublishError

COLUMNS = ("place", "at", "code", "from", "user", "reason")

NOT_ALL = 1
"""Exit code: some could not be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilters:
    """Which dead letters."""

    code: Annotated[str | None, text("--code", "CODE", "With this code alone.")] = None
    user: Annotated[str | None, text("--user", "USER", "Of this user alone.")] = None
    topic: Annotated[str | None, text("--topic", "TOPIC", "From this topic, prefix or not.")] = None

    def take(self, letter: DeadLetter) -> bool:
        """Say whether *letter* is one of them."""
        return (
            self.code in (None, letter.code)
            and self.user in (None, letter.username)
            and (self.topic is None or letter.topic.endswith(self.topic))
        )


def register(app: typer.Typer) -> None:
    """Add the command."""
    letters = a_group("List what could not be decided, or send it again.")
    add_command(letters, "list", show)
    add_command(letters, "replay", replay)
    app.add_typer(letters, name="dead-letters")


def show(filters: DeadLetterFilters) -> None:
    """List the dead letters that are kept, in the order of each partition."""
    found = asyncio.run(_found(load_settings(), filters))
    output().table(COLUMNS, [_row(letter) for letter in found])


def replay(
    filters: DeadLetterFilters,
    consent: Consent,
    *,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PLACE]...", help="As `list` names them.", show_default=False),
    ] = None,
    everything: Annotated[bool, flag("--all", "All that the filters let through.")] = False,
) -> None:
    """Send the original records to the topics they came from; exit code 1 if some cannot be."""
    if bool(places) is everything:
        raise CliError("name the places of dead letters as `list` shows them, or say --all")
    asyncio.run(_replay(load_settings(), filters, consent, frozenset(places or ())))


async def _found(settings: Settings, filters: DeadLetterFilters) -> Sequence[DeadLetter]:
    return [letter async for letter in _letters(settings) if filters.take(letter)]


async def _letters(settings: Settings) -> AsyncIterator[DeadLetter]:
    name = settings.topic_prefix + topics.DEAD_LETTERS.name
    async with open_reader(kafka_of(settings), [name], "beginning") as reader:
        while not await reader.caught_up():
            for record in await reader.poll():
                yield DeadLetter.of(record)


async def _replay(
    settings: Settings, filters: DeadLetterFilters, consent: Consent, places: frozenset[str]
) -> None:
    found = await _found(settings, filters)
    letters = [letter for letter in found if not places or letter.place in places]
    if missing := places - {letter.place for letter in letters}:
        raise CliError(f"no dead letter at {', '.join(sorted(missing))}, or the filters hide it")
    originals = Originals(kafka_connection(settings), prefix=settings.topic_prefix)
    records: list[Outgoing] = []
    refused = 0
    for letter in letters:
        try:
            records.append(await originals.restore(letter))
        except CannotReplayError as error:
            refused += 1
            output().note(f"{letter.place} ({letter.original}): {error}")
        else:
            _tell(letter)
    sent = bool(records) and consent.is_given(f"Send {len(records)} records again?")
    if sent:
        await _send(settings, records)
    record = {"found": len(letters), "sent": len(records) if sent else 0, "refused": refused}
    text = f"✓ {len(records)} records sent again" if sent else "nothing was sent"
    output().record(record, text)
    if refused:
        raise typer.Exit(NOT_ALL)


def _tell(letter: DeadLetter) -> None:
    if not output().is_json:
        line = f"{letter.place}  {letter.code}  {letter.username}  → {letter.topic}"
        output().record({}, line)


async def _send(settings: Settings, records: Sequence[Outgoing]) -> None:
    async with kafka_publisher(settings) as publisher:
        try:
            await publisher.publish(records)
        except PublishError as error:
            raise CliError(
                f"not all was acknowledged ({error}); sending commands twice is safe: run it again"
            ) from error


def _row(letter: DeadLetter) -> tuple[str, ...]:
    said = letter.said
    return (
        letter.place,
        said.get(DlqHeader.AT, ""),
        letter.code,
        letter.original,
        letter.username,
        said.get(DlqHeader.REASON, ""),
    )
