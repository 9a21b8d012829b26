"""`accounts dev`: real servers and the worker on this machine, started and stopped by one command."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from devstack.errors import DevStackError
from devstack.patience import log_tail
from devstack.ports import HOST, reserve
from devstack.processes import Processes
from devstack.stack import Stack, StackOptions, start_stack
from workers.cli import story as story_of
from workers.cli.connection import sidecar_of
from workers.cli.dev_file import dev_file, require_none_running
from workers.cli.dev_screen import Screen
from workers.cli.dev_worker import DevWorker
from workers.cli.output import CliError
from workers.clock import monotonic_s, utc_now
from workers.config import Settings, load_settings
from workers.key_rotation import make_missing
from workers.topics import apply_topics

SIDECAR_PORT = 8080
"""Where people look first; any free port when it is taken."""

WATCH_S = 1.0
"""How often the servers are looked at; the end of the worker is noticed at once."""

SHORT_LIFE_S = 10.0
"""A worker that ends sooner has not got over its start."""

SHORT_LIVES_MAX = 3
"""So many in a row, and starting it once more would not help."""


def register(app: typer.Typer) -> None:
    """Add `dev` to *app*."""
    app.command("dev")(dev)


def dev(
    *,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Keep the data there; temporary by default."),
    ] = None,
    story: Annotated[
        bool, typer.Option("--story", help="Play a short story once everything runs.")
    ] = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="The servers and topics only.")
    ] = False,
) -> None:
    """Start real Kafka, MongoDB and Valkey and the worker here; Ctrl-C stops them.

    Other commands that are run from the same directory find them by themselves. With
    --output json it prints one line with all addresses when everything is ready.
    """
    screen = Screen()
    with ExitStack() as cleanup, _stopped_by_signals(screen):
        run = _start(data, screen, cleanup)
        worker = None if no_worker else _start_worker(run, screen, cleanup)
        screen.ready(run.settings, worker, data)
        if story and worker is not None:
            screen.story_begins()
            asyncio.run(story_of.play(run.settings))
        screen.next_commands(_accounts(), with_story=story, with_worker=worker is not None)
        _stay_up(run.stack, worker, screen)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What runs, without the worker."""

    stack: Stack
    settings: Settings
    processes: Processes
    folder: Path
    environment: Mapping[str, str]


def _start(data: Path | None, screen: Screen, cleanup: ExitStack) -> _Run:
    require_none_running(Path.cwd())
    wished = load_settings()
    with screen.starting():
        stack = cleanup.enter_context(start_stack(StackOptions(data=data, progress=screen.step)))
        folder = data.absolute() if data else Path(tempfile.mkdtemp(prefix="accounts-dev-"))
        # It removes the folder even if this process is killed.
        processes = Processes(remove=None if data else folder)
        cleanup.callback(processes.close)
        variables = _variables(stack, wished, folder / "keys")
        environment = {**os.environ, **variables}  # noqa: TID251 - handed on to the worker whole
        settings = load_settings(environment)
        screen.step("creating topics")
        asyncio.run(apply_topics(settings))
        make_missing(settings.keys_dir, utc_now())
    cleanup.enter_context(dev_file(variables))
    return _Run(
        stack=stack,
        settings=settings,
        processes=processes,
        folder=folder,
        environment=environment,
    )


def _variables(stack: Stack, wished: Settings, keys: Path) -> dict[str, str]:
    return {
        "ACCOUNTS_KAFKA_BOOTSTRAP": stack.addresses.kafka,
        "ACCOUNTS_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
        "ACCOUNTS_MONGODB_URI": stack.addresses.mongodb,
        "ACCOUNTS_MONGODB_DATABASE": wished.mongodb_database,
        "ACCOUNTS_REDIS_URL": stack.addresses.redis,
        "ACCOUNTS_TOPIC_PREFIX": wished.topic_prefix,
        "ACCOUNTS_REPLICATION_FACTOR": "1",
        "ACCOUNTS_KEYS_DIR": str(keys),
        "ACCOUNTS_SIDECAR_HOST": HOST,
        "ACCOUNTS_SIDECAR_PORT": str(_sidecar_port(wished.sidecar_port or SIDECAR_PORT)),
    }


def _sidecar_port(wanted: int) -> int:
    try:
        return reserve({"sidecar": wanted})["sidecar"]
    except DevStackError:
        return reserve({"sidecar": None})["sidecar"]


def _start_worker(run: _Run, screen: Screen, cleanup: ExitStack) -> DevWorker:
    sidecar = sidecar_of(run.settings)
    worker = DevWorker(run.processes, run.folder / "worker.log", run.environment, sidecar)
    cleanup.callback(worker.stop)
    with screen.starting():
        screen.step("starting the worker")
        worker.start()
    return worker


def _stay_up(stack: Stack, worker: DevWorker | None, screen: Screen) -> None:
    """Look after what runs until a signal comes."""
    missing: set[str] = set()
    short_lives = 0
    while True:
        ended = worker.ended(WATCH_S) if worker else _pause()
        gone = {server.name for server in stack.servers.values() if server.pid is None}
        for name in sorted(gone - missing):
            screen.trouble(f"{name} has ended; {log_tail(stack_log(stack, name))}")
        missing = gone
        if worker is None or ended is None:
            continue
        lived_s = monotonic_s() - worker.started_s
        short_lives = short_lives + 1 if lived_s < SHORT_LIFE_S else 1
        if short_lives >= SHORT_LIVES_MAX:
            raise CliError(f"the worker ends again and again; {worker.log_end()}", exit_code=1)
        screen.trouble(f"the worker has ended ({ended}); starting it again")
        worker.start()
        screen.relief(f"the worker is ready again, process {worker.pid}")


def _pause() -> None:
    signal.sigtimedwait((), WATCH_S)


def stack_log(stack: Stack, name: str) -> Path:
    """Return where the log of one server is."""
    return next(one.log_path for one in stack.servers.values() if one.name == name)


@contextmanager
def _stopped_by_signals(screen: Screen) -> Generator[None]:
    """Let SIGINT and SIGTERM end the block, once; the clean-up is not to be interrupted."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop(_number: int, _frame: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)  # once is enough
        raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt:
        screen.stopping()
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


def _accounts() -> str:
    """Return how to call this program from another terminal in this directory."""
    script = Path(sys.executable).with_name("accounts")
    if script.is_relative_to(Path.cwd()):
        return str(script.relative_to(Path.cwd()))
    if script.exists():
        return str(script)
    return f"{sys.executable} -m workers"
