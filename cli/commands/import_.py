"""`accounts import`: accounts and their balances from another system."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TextIO

import typer

from cli.arguments.option_groups import add_command
from cli.arguments.options import Actor, SealingKeyFile, flag, text
from cli.moving.streams import STANDARD, opened
from cli.screen.answers import REJECTED, UNKNOWN
from cli.screen.output import CliError, output

if TYPE_CHECKING:
    from cli.moving.account_source import AccountSource
    from cli.moving.import_progress import ImportProgress
    from cli.moving.import_report import ImportReport
    from workers.config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How it is done."""

    name: Annotated[
        str | None,
        text(
            "--name",
            "NAME",
            "Of this import, the same whenever it is run again; by default the file's, without its ending.",
        ),
    ] = None
    dry_run: Annotated[bool, flag("--dry-run", "Check every line, and send nothing.")] = False
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Where to write what did not move in, as JSON lines; NAME.refused.jsonl by default.",
        ),
    ] = None
    actor: Actor = None
    sealing_key: SealingKeyFile = None


def register(app: typer.Typer) -> None:
    """Add `import` to *app*."""
    add_command(app, "import", import_accounts)


def import_accounts(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="JSON lines, one account each; - for standard input.",
            show_default=False,
        ),
    ],
    options: ImportOptions,
) -> None:
    """Open accounts and pay their balances in, one for each line of FILE.

    Run it again after whatever happened: nothing is paid twice. Exit code 0: all are in; 3: some
    lines were refused, see the report; 4: of some nobody knows, so run it again; 2: it cannot be done.
    """
    from cli.moving.import_report import ImportReport

    name = _name(file, options.name)
    path = options.report or Path(f"{name}.refused.jsonl")
    with opened(file) as stream, _written(path) as written:
        report = ImportReport(written)
        stopped = asyncio.run(_import(stream, name, options, report))
    if stopped is not None and not report.counts.sent:
        raise CliError(stopped)
    _show(report, path, name, dry_run=options.dry_run, stopped=stopped)
    if stopped is not None or report.counts.unknown:
        raise typer.Exit(UNKNOWN)
    if report.counts.refused:
        raise typer.Exit(REJECTED)


async def _import(
    stream: BinaryIO, name: str, options: ImportOptions, report: "ImportReport"
) -> str | None:
    """Return why it was given up; None where it came to its end."""
    from functools import partial

    from cli.moving.account_source import AccountSource
    from cli.moving.import_progress import ImportProgress
    from cli.moving.importing import ImportStoppedError
    from cli.moving.lines import Lines
    from cli.moving.usernames_seen import UsernamesSeen
    from cli.service.connection import key_to_seal_to
    from workers.clock import monotonic_s, utc_now
    from workers.config.settings import load_settings

    settings = load_settings()
    progress = ImportProgress(monotonic_s, _size_of(stream))
    fetch_key = None if options.dry_run else partial(key_to_seal_to, settings, options.sealing_key)
    with UsernamesSeen() as seen:
        source = AccountSource(Lines(stream), name, seen, fetch_key=fetch_key, clock=utc_now)
        try:
            if options.dry_run:
                await _check(source, report, progress)
            else:
                await _move_in(settings, source, report, progress, options.actor)
        except ImportStoppedError as error:
            return str(error)
        finally:
            progress.end()
    return None


async def _move_in(
    settings: "Settings",
    source: "AccountSource",
    report: "ImportReport",
    progress: "ImportProgress",
    actor: str | None,
) -> None:
    from functools import partial

    from cli.moving.importing import Import
    from cli.service.connection import client_of
    from contracts.topics import RESULTS
    from workers.clock import fresh_name

    correlation_id = f"import-{fresh_name()}"
    async with client_of(settings) as accounts, accounts.reader(RESULTS, "end") as answers:
        await Import(
            source,
            partial(accounts.publish_many, correlation_id=correlation_id, actor=actor),
            answers,
            report,
            correlation_id=correlation_id,
            tell=lambda waiting: progress.tell(
                report.counts.ended, source.lines.bytes_read, waiting
            ),
        ).run()


async def _check(
    source: "AccountSource", report: "ImportReport", progress: "ImportProgress"
) -> None:
    from cli.moving.account_lines import FaultyLine
    from cli.moving.importing import AT_ONCE_MAX

    counts = report.counts
    while read := await source.take(AT_ONCE_MAX):
        counts.lines += len(read)
        for each in read:
            if isinstance(each, FaultyLine):
                report.faulty(each)
        progress.tell(counts.lines, source.lines.bytes_read, 0)


def _name(file: str, given: str | None) -> str:
    from cli.moving.command_ids import NAME_PATTERN

    if given is None and file == STANDARD:
        raise CliError("standard input has no name; say --name, the same whenever you run it again")
    name = Path(file).stem if given is None else given
    if not NAME_PATTERN.fullmatch(name):
        raise CliError(
            "an import's name has 1 to 40 letters, digits, dots, dashes and underscores, and begins with "
            "a letter or a digit; say one with --name"
        )
    return name


@contextmanager
def _written(path: Path) -> Generator[TextIO]:
    try:
        stream = path.open("w", encoding="utf-8")
    except OSError as error:
        raise CliError(
            f"cannot write {path}: {error.strerror}; say another with --report"
        ) from None
    with stream:
        yield stream


def _size_of(stream: BinaryIO) -> int | None:
    """Return how long a file is; None of what is no file."""
    import os
    import stat

    found = os.fstat(stream.fileno())
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _show(
    report: "ImportReport", path: Path, name: str, *, dry_run: bool, stopped: str | None
) -> None:
    counts = report.counts
    lines: list[str] = []
    if dry_run:
        lines.append(f"{counts.lines - counts.refused:,} of {counts.lines:,} lines can move in")
    else:
        before = f", {counts.repeated:,} of them before" if counts.repeated else ""
        lines.append(f"{counts.moved_in:,} of {counts.lines:,} accounts are in{before}")
    if counts.refused:
        lines.append(f"✗ {counts.refused:,} lines were refused; {path} says which, and why")
    if stopped is not None:
        lines.append(f"? stopped: {stopped}")
    if stopped is not None or counts.unknown:
        lines.append(
            f"? of {counts.unknown:,} lines nobody knows: run it again, under the same name"
        )
    record = {
        "name": name,
        "dry_run": dry_run,
        "lines": counts.lines,
        "moved_in": counts.moved_in,
        "before": counts.repeated,
        "refused": counts.refused,
        "unknown": counts.unknown,
        "stopped": stopped,
        "report": str(path),
    }
    output().record(record, *lines)
