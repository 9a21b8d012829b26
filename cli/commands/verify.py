"""`accounts verify`: recompute every balance from the recorded decisions."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer

from cli.arguments.moments import moment
from cli.arguments.option_groups import add_command
from cli.screen.output import CliError
from cli.service.store import open_store
from cli.verification.published import PublishedEvents
from cli.verification.published_topic import read_published
from cli.verification.tally import Tally
from cli.verification.verifying import Verifier
from storage.mongo.houses import MongoHouses
from storage.mongo.inspection import MongoInspection
from storage.mongo.ledger import MongoLedger
from workers.clock import monotonic_s, utc_now
from workers.config.settings import Settings, load_settings

DIFFERS = 1
"""Exit code: something does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which accounts to look at; all without these."""

    user: Annotated[
        str | None,
        typer.Option("--user", metavar="USER", help="This account alone, and what names it."),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Only accounts that were changed since (RFC 3339, or as 15m, 2h, 3d ago).",
        ),
    ] = None


def register(app: typer.Typer) -> None:
    """Add `verify` to *app*."""
    add_command(app, "verify", verify)


def verify(
    which: Which,
    *,
    topic: Annotated[
        bool,
        typer.Option("--topic", help="Also read the balance events and compare every one."),
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Commands are being decided: their events may still come."),
    ] = False,
) -> None:
    """Recompute every balance from the recorded decisions; exit code 1 if anything differs."""
    if which.user is not None and which.since is not None:
        raise CliError("say --user or --since, not both")
    tally = Tally()
    started_s = monotonic_s()
    asyncio.run(_verify(load_settings(), tally, which, topic=topic, live=live))
    tally.report(seconds=monotonic_s() - started_s)
    if tally.found:
        raise typer.Exit(DIFFERS)


async def _verify(
    settings: Settings, tally: Tally, which: Which, *, topic: bool, live: bool
) -> None:
    since = moment(which.since, utc_now()) if which.since is not None else None
    async with open_store(settings) as client:
        inspection = MongoInspection(client)
        verifier = Verifier(MongoLedger(client), inspection, MongoHouses(client), tally, live=live)
        usernames = [which.user] if which.user is not None else None
        if since is not None:
            usernames = await verifier.changed(since)
        if topic:
            # Before the accounts: whatever was published by then must be recorded.
            published = PublishedEvents(await inspection.repaired())
            await read_published(settings, tally, published, only=usernames)
            verifier.published = published
        if usernames is None:
            await verifier.everything()
        else:
            await verifier.some(usernames)
