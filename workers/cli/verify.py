"""`accounts verify`: recompute every balance from the recorded decisions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import typer

from client.reader import open_reader
from contracts import topics
from contracts.profile import email_claim
from handlers.account import Account
from handlers.corrupt import CorruptDocument
from handlers.outcome import Outcome
from storage.mongo import MongoLedger
from storage.mongo_client import MongoClient
from workers.cli.connection import kafka_of
from workers.cli.published import Finding, PublishedEvents
from workers.cli.tally import Tally
from workers.clock import monotonic_s
from workers.config import Settings, load_settings
from workers.recount import recount_page
from workers.stores import mongo_options

PAGE_ACCOUNTS = 500
"""Accounts recomputed at once: one question per page, and a few hundred KiB of memory."""

DIFFERS = 1
"""Exit code: something does not hold."""


def register(app: typer.Typer) -> None:
    """Add `verify` to *app*."""
    app.command("verify")(verify)


def verify(
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
    tally = Tally()
    started_s = monotonic_s()
    asyncio.run(_verify(load_settings(), tally, topic=topic, live=live))
    tally.report(seconds=monotonic_s() - started_s)
    if tally.found:
        raise typer.Exit(DIFFERS)


class ComparedLedger(MongoLedger):
    """Shows what is read to whoever compares it with the topic and with the e-mail claims."""

    def __init__(self, client: MongoClient, published: PublishedEvents | None) -> None:
        super().__init__(client)
        self._published = published
        self.accounts: Sequence[Account] = ()

    async def page(self, *, after: str, limit: int) -> Sequence[Account | CorruptDocument]:
        """Return the next accounts, and keep them until the page after."""
        page = await super().page(after=after, limit=limit)
        self.accounts = [each for each in page if isinstance(each, Account)]
        return page

    async def history(
        self, *, after: str = "", up_to: str | None = None
    ) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield the entries, each compared with what was published."""
        async for outcome in super().history(after=after, up_to=up_to):
            if self._published is not None and isinstance(outcome, Outcome):
                self._published.compare(outcome)
            yield outcome


async def _verify(settings: Settings, tally: Tally, *, topic: bool, live: bool) -> None:
    # The topic first: whatever was published by then must be recorded.
    published = await _read_topic(settings, tally) if topic else None
    ledger = ComparedLedger(MongoClient(mongo_options(settings)), published)
    try:
        await _recount(ledger, published, tally, live=live)
    finally:
        await ledger.close()


async def _read_topic(settings: Settings, tally: Tally) -> PublishedEvents:
    published = PublishedEvents()
    name = settings.topic_prefix + topics.BALANCE_EVENTS.name
    async with open_reader(kafka_of(settings), [name], "beginning") as reader:
        expired = {part.partition for part, offset in reader.beginnings.items() if offset > 0}
        total = sum(end - reader.beginnings[part] for part, end in reader.ends.items())
        with tally.progress("balance events", total) as advance:
            while not await reader.caught_up():
                records = await reader.poll()
                for record in records:
                    published.add(record, expired=record.partition in expired)
                advance(len(records))
                tally.take(published.findings)
    tally.events = published.count
    return published


async def _recount(
    ledger: ComparedLedger, published: PublishedEvents | None, tally: Tally, *, live: bool
) -> None:
    total = await ledger.count_outcomes()
    with tally.progress("decisions", total) as advance:

        async def pace(entries: int) -> None:
            advance(entries)

        after: str | None = ""
        while after is not None:
            page = await recount_page(ledger, after=after, limit=PAGE_ACCOUNTS, pace=pace)
            tally.accounts += page.accounts
            tally.entries += page.entries
            tally.take(
                [Finding(one.username, one.violation, one.detail) for one in page.discrepancies]
            )
            tally.take(await _claims(ledger))
            if published is not None:
                published.settle(ledger.accounts, live=live)
                tally.take(published.findings)
            after = page.last
    if published is not None:
        published.finish()
        tally.take(published.findings)


async def _claims(ledger: ComparedLedger) -> list[Finding]:
    """Return the accounts whose e-mail address is not claimed for them."""
    suspects = {account.username for account in ledger.accounts}
    async with ledger.transaction() as snapshot:
        accounts = await snapshot.accounts(suspects)
        wanted = {
            email_claim(one.profile.email): one.username
            for one in accounts.values()
            if isinstance(one, Account)
        }
        owners = await snapshot.email_owners(wanted.keys())
        await snapshot.commit()
    return [
        Finding(username, "email_unclaimed", f"the address is claimed by {owners.get(email)}")
        for email, username in wanted.items()
        if owners.get(email) != username
    ]
