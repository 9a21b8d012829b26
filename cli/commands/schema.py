"""`accounts schema`: which schema the data has, who runs on it, and the step to the next one."""

import asyncio
from collections.abc import Sequence

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import Actor
from cli.groups import a_group
from cli.screen.asking_first import Consent
from cli.screen.output import CliError, output
from cli.service.store import open_store_without_accounts
from contracts.message import rfc3339
from handlers.model.schema import FIRST, NEWEST
from storage.mongo.client import MongoClient
from storage.mongo.data_schema import MongoDataSchema
from storage.ports.data_schema import (
    GONE_AFTER,
    DataState,
    ProcessesBehindError,
    RunningProcess,
    SchemaUpgrade,
)
from storage.ports.errors import CommitUnknownError, LostRaceError
from workers.clock import monotonic_s, utc_now
from workers.config.settings import Settings, load_settings
from workers.monitoring.version import VERSION

BEHIND = 1
"""Exit code: a process runs that could not read the data any more, so nothing was changed."""

TRIES = 5
"""Times that a process may come or go at the very moment of the upgrade."""

FOLLOWED_MAX_S = 20.0
"""How long every process is waited for that runs: they look every two seconds."""

LOOK_S = 0.2
"""Between two looks whether all have followed: somebody waits for it."""

COLUMNS = ("host", "process", "release", "workers", "reads", "writes", "started", "seen")


def register(app: typer.Typer) -> None:
    """Add the command."""
    schema = a_group(
        "Show in which schema the data is, who runs on it, or take it to the next one."
    )
    schema.command("show")(show)
    add_command(schema, "upgrade", upgrade)
    app.add_typer(schema, name="schema")


def show() -> None:
    """Show the data's schema number, this release's, and every process that runs."""
    state = asyncio.run(_state(load_settings()))
    if output().is_json:
        output().record(_as_record(state))
        return
    _show_processes(state.processes)
    output().record({}, *_lines(state))


def upgrade(consent: Consent, *, actor: Actor = None) -> None:
    """Have what is new in this release written, once every worker that runs can read it."""
    asyncio.run(_upgrade(load_settings(), consent, actor))


async def _state(settings: Settings) -> DataState:
    async with open_store_without_accounts(settings) as client:
        return await MongoDataSchema(client).state()


async def _upgrade(settings: Settings, consent: Consent, actor: str | None) -> None:
    async with open_store_without_accounts(settings) as client:
        schema = MongoDataSchema(client)
        state = await schema.state()
        if state.number == NEWEST:
            _report(
                state, state.number, f"✓ the data has schema {NEWEST}, the last of this release"
            )
            return
        if not output().is_json:
            _show_processes(state.processes)
            output().record({}, *_plan(state))
        _check(state.behind(NEWEST))
        if not consent.is_given(f"Upgrade the data to schema {NEWEST}? There is no way back."):
            _report(state, state.number, "nothing was changed")
            return
        before = state.number
        await _carry_out(schema, before, actor)
        state = await _followed(client)
    behind = [each for each in state.processes if each.writes != NEWEST]
    for each in behind:
        output().note(f"has not followed yet: {each}, seen {each.silent_s:.0f} s ago")
    _report(state, before, f"✓ the data has schema {NEWEST}; {_running(state.processes, behind)}")


async def _carry_out(schema: MongoDataSchema, before: int, actor: str | None) -> None:
    """Change the number; whoever came or went meanwhile is looked at again."""
    wanted = SchemaUpgrade(before=before, after=NEWEST, at=utc_now(), release=VERSION, actor=actor)
    for tries in range(1, TRIES + 1):
        try:
            await schema.upgrade(wanted)
        except ProcessesBehindError as error:
            _check(error.processes)
        except LostRaceError as error:
            if (await schema.number()) == NEWEST:
                return  # somebody else did it
            if tries == TRIES:
                raise CliError(f"nothing was changed ({error}): run it again") from error
        except CommitUnknownError as error:
            raise CliError(
                f"nobody knows whether it was done ({error}): run `accounts schema show`"
            ) from error
        else:
            return


async def _followed(client: MongoClient) -> DataState:
    """Return the state once every process writes the new number, or has had the time to."""
    end_s = monotonic_s() + FOLLOWED_MAX_S
    while True:
        state = await MongoDataSchema(client).state()
        done = all(each.writes == NEWEST for each in state.processes)
        if done or monotonic_s() > end_s:
            return state
        await asyncio.sleep(LOOK_S)


def _check(behind: Sequence[RunningProcess]) -> None:
    """Raise where somebody runs who could not read the data any more."""
    if behind:
        gone_s = GONE_AFTER.total_seconds()
        raise CliError(
            *(f"{each} reads no schema above {each.newest}" for each in behind),
            f"nothing was changed: stop those first, this release beside them does their work "
            f"(one that was killed counts for {gone_s:.0f} s)",
            exit_code=BEHIND,
        )


def _plan(state: DataState) -> list[str]:
    return [
        f"From schema {state.number} to {NEWEST}: releases that read none above {state.number} refuse to start then.",
        "What is stored stays as it is; every process that runs follows within seconds by itself.",
    ]


def _show_processes(processes: Sequence[RunningProcess]) -> None:
    if processes:
        output().table(COLUMNS, [_row(each) for each in processes])
    else:
        output().record({}, "no process runs")


def _row(one: RunningProcess) -> tuple[str, ...]:
    return (
        one.host,
        str(one.pid),
        one.release,
        ", ".join(one.roles),
        f"{one.oldest}-{one.newest}",
        str(one.writes),
        rfc3339(one.started_at),
        f"{one.silent_s:.0f} s ago",
    )


def _lines(state: DataState) -> list[str]:
    lines = [
        f"{rfc3339(one.at)}: from schema {one.before} to {one.after}, by accounts {one.release}"
        + (f", {one.actor}" if one.actor else "")
        for one in state.upgrades
    ]
    lines.append(
        f"the data has schema {state.number}; this release, {VERSION}, writes {FIRST} to {NEWEST}"
    )
    if state.number < NEWEST:
        lines.append("once every process is of this release: accounts schema upgrade")
    return lines


def _running(processes: Sequence[RunningProcess], behind: Sequence[RunningProcess]) -> str:
    if behind:
        return f"{len(behind)} of {len(processes)} processes have yet to follow"
    if not processes:
        return "no process runs"
    if len(processes) == 1:
        return "the process that runs writes it"
    return f"{len(processes)} processes run, and all write it"


def _report(state: DataState, before: int, text: str) -> None:
    output().record({**_as_record(state), "was": before}, text)


def _as_record(state: DataState) -> dict[str, object]:
    return {
        "schema": state.number,
        "newest": NEWEST,
        "release": VERSION,
        "processes": [
            {
                "host": one.host,
                "pid": one.pid,
                "release": one.release,
                "workers": one.roles,
                "oldest": one.oldest,
                "newest": one.newest,
                "writes": one.writes,
                "started_at": rfc3339(one.started_at),
                "silent_s": round(one.silent_s, 1),
            }
            for one in state.processes
        ],
        "upgrades": [
            {
                "before": one.before,
                "after": one.after,
                "at": rfc3339(one.at),
                "release": one.release,
                "actor": one.actor,
            }
            for one in state.upgrades
        ],
    }
