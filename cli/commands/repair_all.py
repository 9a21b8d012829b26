"""`accounts repair-all`: build every account anew that cannot be read, as after a lost key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import Actor
from cli.commands.repair import CANNOT, carry_out, open_repairing
from cli.screen.asking_first import Consent
from cli.screen.output import CliError, output
from handlers.model.corrupt import CorruptDocument
from workers.config.settings import Settings, load_settings
from workers.housekeeping.repair import Repairing

PAGE_ACCOUNTS = 1000
"""Accounts read at once: a megabyte or less."""

SAID_EVERY = 1000
"""Accounts between two lines of progress: some seconds."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "repair-all", repair_all)


def repair_all(consent: Consent, *, actor: Actor = None) -> None:
    """Build every account anew that cannot be read; exit code 1 where some do not add up."""
    asyncio.run(_repair_all(load_settings(), consent, actor))


async def _repair_all(settings: Settings, consent: Consent, actor: str | None) -> None:
    async with AsyncExitStack() as stack:
        repairing = await open_repairing(settings, stack)
        names = [name async for name in _unreadable(repairing)]
        if not names:
            output().record(_record(0, 0, []), "✓ every account can be read")
            return
        if not consent.is_given(f"Repair {len(names):,} accounts that cannot be read?"):
            output().record(
                _record(len(names), 0, []), f"{len(names):,} accounts cannot be read", *_some(names)
            )
            return
        failed = await _repaired(repairing, names, actor)
    output().record(
        _record(len(names), len(names) - len(failed), failed),
        f"✓ {len(names) - len(failed):,} of {len(names):,} accounts are repaired",
    )
    if failed:
        raise CliError(
            f"{len(failed):,} accounts could not be: `accounts repair USER` says why",
            *_some(failed),
            exit_code=CANNOT,
        )


async def _unreadable(repairing: Repairing) -> AsyncIterator[str]:
    after = ""
    while page := await repairing.ledger.page(after=after, limit=PAGE_ACCOUNTS):
        for one in page:
            if isinstance(one, CorruptDocument):
                yield one.id
        last = page[-1]
        after = last.id if isinstance(last, CorruptDocument) else last.username


async def _repaired(repairing: Repairing, names: list[str], actor: str | None) -> list[str]:
    """Repair one after the other, interrupted and begun again as one likes; return whose failed."""
    failed: list[str] = []
    for number, name in enumerate(names, start=1):
        examine = partial(repairing.examine, name)
        try:
            diagnosis = await examine()
            if diagnosis.problems:
                failed.append(name)
            elif diagnosis.is_needed:
                await carry_out(repairing, diagnosis, examine, actor)
        except CliError:
            failed.append(name)
        if number % SAID_EVERY == 0:
            output().note(f"{number:,} of {len(names):,}")
    return failed


def _some(names: list[str]) -> list[str]:
    """Return the first few *names*, a line each."""
    few = 10
    return [*names[:few], *([f"and {len(names) - few:,} more"] if len(names) > few else [])]


def _record(unreadable: int, repaired: int, failed: list[str]) -> dict[str, object]:
    return {"unreadable": unreadable, "repaired": repaired, "failed": failed}
