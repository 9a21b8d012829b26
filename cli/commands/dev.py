"""`accounts dev`: real servers and the worker on this machine, started and stopped by one command."""

import asyncio
import os
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.arguments.options import flag, text
from cli.dev import story as story_of
from cli.dev.file import dev_file, require_none_running
from cli.dev.keeping import Keeping
from cli.dev.screen import DevScreen
from cli.dev.worker import DevWorker
from cli.screen.output import CliError
from cli.service.connection import sidecar_of
from devstack.errors import DevStackError
from devstack.ports import HOST, reserve
from devstack.stack import Stack, StackOptions, start_stack
from workers.clock import utc_now
from workers.config.settings import Settings, load_settings
from workers.kafka.topic_plan import apply_topics
from workers.keys.rotation import make_missing

SIDECAR_PORT = 8080
"""Where people look first; any free port when it is taken."""

WATCH_S = 1.0
"""How often it is looked whether there is anything to stay for."""


def register(app: typer.Typer) -> None:
    """Add `dev` to *app*."""
    app.command("dev")(dev)


def dev(
    *,
    data: Annotated[
        Path | None, text("--data", "DIR", "Keep the data there; temporary by default.")
    ] = None,
    story: Annotated[bool, flag("--story", "Play a short story once everything runs.")] = False,
    no_worker: Annotated[bool, flag("--no-worker", "The servers and topics only.")] = False,
) -> None:
    """Start real Kafka, MongoDB and Valkey and the worker here; Ctrl-C stops them.

    Other commands that are run from the same directory find them by themselves. With
    --output json it prints one line with all addresses when everything is ready.
    """
    screen = DevScreen()
    with ExitStack() as cleanup, _stopped_by_signals(screen):
        run = _start(data, screen, cleanup)
        worker = None if no_worker else _start_worker(run, screen, cleanup)
        screen.ready(run.settings, worker, data)
        if story and worker is not None:
            screen.story_begins()
            asyncio.run(story_of.play(run.settings))
        screen.next_commands(_accounts(), with_story=story, with_worker=worker is not None)
        _stay_up(run.stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What runs, without the worker."""

    stack: Stack
    keeping: Keeping
    settings: Settings
    environment: Mapping[str, str]


def _start(data: Path | None, screen: DevScreen, cleanup: ExitStack) -> _Run:
    require_none_running(Path.cwd())
    wished = load_settings()
    with screen.starting():
        stack = cleanup.enter_context(start_stack(StackOptions(data=data, progress=screen.step)))
        keeping = cleanup.enter_context(Keeping(stack, screen))
        variables = _variables(stack, wished, stack.folder / "keys")
        environment = {**os.environ, **variables}  # noqa: TID251 - handed on to the worker whole
        settings = load_settings(environment)
        screen.step("creating topics")
        asyncio.run(apply_topics(settings))
        make_missing(settings.keys_dir, utc_now())
    cleanup.enter_context(dev_file(variables))
    return _Run(stack=stack, keeping=keeping, settings=settings, environment=environment)


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


def _start_worker(run: _Run, screen: DevScreen, cleanup: ExitStack) -> DevWorker:
    log = run.stack.folder / "worker.log"
    worker = DevWorker(run.stack.processes, log, run.environment, sidecar_of(run.settings))
    cleanup.callback(worker.stop)
    cleanup.callback(run.keeping.stop)
    with screen.starting():
        screen.step("starting the worker")
        worker.start()
    run.keeping.keep(worker)
    return worker


def _stay_up(stack: Stack) -> None:
    """Stay until a signal comes.

    Raises:
        CliError: Somebody killed the process that owns the others.
    """
    while not stack.processes.are_gone:
        signal.sigtimedwait((), WATCH_S)
    raise CliError("the supervisor of the servers was killed, and they with it", exit_code=1)


@contextmanager
def _stopped_by_signals(screen: DevScreen) -> Generator[None]:
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
