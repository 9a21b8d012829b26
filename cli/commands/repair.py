"""`accounts repair`: build an account anew from its recorded entries, and say what was missed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated

import typer

from cli.arguments.checking import checked
from cli.arguments.option_groups import add_command
from cli.arguments.options import Actor, User, flag, text
from cli.screen.asking_first import Consent
from cli.screen.output import CliError, output
from cli.service.store import open_store
from cli.verification.published import PublishedEvents
from cli.verification.published_topic import read_published
from cli.verification.tally import Tally
from contracts.profile import UpdateProfile
from handlers.history.repair import Repair
from storage.mongo.houses import MongoHouses
from storage.mongo.inspection import MongoInspection
from storage.mongo.ledger import MongoLedger
from storage.mongo.repairs import MongoRepairs
from storage.ports.errors import LostRaceError
from workers.config.settings import Settings, load_settings
from workers.housekeeping.diagnosis import Diagnosis, postings_said
from workers.housekeeping.repair import Repairing
from workers.housekeeping.repair_topics import PublishedRepairs
from workers.kafka.publisher import kafka_publisher
from workers.kafka.publishing import PublishError
from workers.kafka.topic_names import TopicNames

CANNOT = 1
"""Exit code: what is recorded does not add up, so nothing was changed."""

TRIES = 3
"""Times it is examined again because a worker wrote the account meanwhile."""


LOST = "Where it cannot be read."


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What of the profile the operator knows."""

    email: Annotated[str | None, text("--email", "TEXT", LOST)] = None
    first_name: Annotated[str | None, text("--first-name", "TEXT", LOST)] = None
    last_name: Annotated[str | None, text("--last-name", "TEXT", LOST)] = None

    def fields(self, username: str) -> dict[str, str]:
        """Return what was given, by the rules for profiles.

        Raises:
            CliError: One is against them.
        """
        given = {"email": self.email, "first_name": self.first_name, "last_name": self.last_name}
        present = {name: value for name, value in given.items() if value is not None}
        if not present:
            return {}
        body = {"command_id": "repair", "username": username, **present}
        profile = checked(UpdateProfile, body)
        return {name: getattr(profile, name) for name in present}


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "repair", repair)


def repair(
    user: User,
    given: Given,
    consent: Consent,
    *,
    topic: Annotated[
        bool, flag("--topic", "Also read the balance events, and publish missing ones.")
    ] = False,
    actor: Actor = None,
) -> None:
    """Build an account anew from its recorded entries; exit code 1 where they do not add up."""
    fields = given.fields(user)
    asyncio.run(_repair(load_settings(), user, fields, consent, topic=topic, actor=actor))


async def _repair(
    settings: Settings,
    user: str,
    given: dict[str, str],
    consent: Consent,
    *,
    topic: bool,
    actor: str | None,
) -> None:
    published = PublishedEvents() if topic else None
    if published is not None:
        await read_published(settings, Tally(), published, only=[user])
    async with AsyncExitStack() as stack:
        repairing = await open_repairing(settings, stack)

        async def examine() -> Diagnosis:
            return await repairing.examine(user, given=given, published=published)

        diagnosis = await examine()
        _show(diagnosis)
        if not consent.is_given(f"Repair {user}?"):
            _report(diagnosis, None)
            return
        done = await carry_out(repairing, diagnosis, examine, actor)
        _report(diagnosis, done)


async def open_repairing(settings: Settings, stack: AsyncExitStack) -> Repairing:
    """Connect to the stores and to Kafka; *stack* closes them."""
    client = await stack.enter_async_context(open_store(settings))
    publisher = await stack.enter_async_context(kafka_publisher(settings))
    ledger = MongoLedger(client)
    await ledger.prepare()
    topics = PublishedRepairs(publisher, TopicNames.under(settings.topic_prefix))
    repairs, houses = MongoRepairs(client), MongoHouses(client)
    return Repairing(ledger, MongoInspection(client), repairs, houses, topics)


async def carry_out(
    repairing: Repairing,
    diagnosis: Diagnosis,
    examine: Callable[[], Awaitable[Diagnosis]],
    actor: str | None,
) -> Repair:
    """Repair it; examined again where a worker wrote the account meanwhile."""
    tries = 1
    while True:
        try:
            return await repairing.carry_out(diagnosis, actor=actor)
        except LostRaceError:
            if tries == TRIES:
                raise
        except PublishError as error:
            raise CliError(
                f"the repair is stored, but not all of it is published ({error}): "
                "run it again once Kafka answers"
            ) from error
        tries += 1
        diagnosis = await examine()
        _check(diagnosis)


def _show(diagnosis: Diagnosis) -> None:
    """Say what was found; ends where nothing can or need be done."""
    for remark in diagnosis.remarks:
        output().note(f"left as it is: {remark}")
    _check(diagnosis)
    if not diagnosis.is_needed:
        _report(diagnosis, None)
        raise typer.Exit
    if not output().is_json:
        for line in _lines(diagnosis):
            output().record({}, line)


def _check(diagnosis: Diagnosis) -> None:
    if diagnosis.problems:
        problems = [f"{diagnosis.username}: {one}" for one in diagnosis.problems]
        raise CliError(*problems, "nothing was changed", exit_code=CANNOT)


def _lines(diagnosis: Diagnosis) -> list[str]:
    lines: list[str] = []
    if diagnosis.rebuilt is not None:
        lines += [f"{one.field}: {one.was} → {one.becomes}" for one in diagnosis.rebuilt.changes]
        lines += [f"{name}: lost, it is recorded nowhere else" for name in diagnosis.rebuilt.lost]
    lines += postings_said(diagnosis.booked)
    for claim in diagnosis.released:
        lines.append(f"an e-mail claim of {claim.username} is given up")
    if diagnosis.claimed:
        lines.append("its e-mail address is claimed")
    lines += [f"{one.collection}: deleted, no account" for one in diagnosis.discarded]
    if diagnosis.owed is not None:
        said = f"{diagnosis.lacking} are not on the topic" if diagnosis.lacking else "may be missed"
        lines.append(
            f"events {diagnosis.owed.after + 1} to {diagnosis.owed.up_to} are published: {said}"
        )
    if diagnosis.unfinished is not None:
        lines.append(f"the repair {diagnosis.unfinished.id} is finished")
    return lines


def _report(diagnosis: Diagnosis, done: Repair | None) -> None:
    record = {
        "username": diagnosis.username,
        "repaired": done is not None,
        "repair_id": done.id if done else None,
        "needed": diagnosis.is_needed,
        "findings": _lines(diagnosis),
        "remarks": list(diagnosis.remarks),
    }
    if done is not None:
        text = f"✓ {diagnosis.username} is repaired, as {done.id}"
    elif diagnosis.is_needed:
        text = "nothing was changed"
    else:
        text = f"✓ nothing is to be repaired of {diagnosis.username}"
    output().record(record, text)
