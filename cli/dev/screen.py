"""What `accounts dev` shows: the way up, the addresses, what to type next, and trouble."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.status import Status
from rich.text import Text

from cli.dev.worker import DevWorker
from cli.screen.output import output
from cli.service.connection import sidecar_of
from workers.clock import monotonic_s
from workers.config.settings import Settings


class DevScreen:
    """Lines for people; for programs only the one with the addresses."""

    def __init__(self) -> None:
        self._started_s = monotonic_s()
        self._output = output()  # now: other threads that report steps would not know it
        self._console = self._output.console()
        self._status: Status | None = None

    @contextmanager
    def starting(self) -> Generator[None]:
        """Show each step in one changing line where a person looks, else line by line."""
        if not self._output.is_live:
            yield
            return
        with self._console.status("starting") as self._status:
            yield
        self._status = None

    def step(self, line: str) -> None:
        """Say what is being done; may be called from any thread."""
        if self._status is not None:
            self._status.update(Text(line))
        else:
            self._output.note(line)

    def ready(self, settings: Settings, worker: DevWorker | None, data: Path | None) -> None:
        """Say where everything is."""
        sidecar = str(sidecar_of(settings))
        if self._output.is_json:
            self._output.record(
                {
                    "kafka": settings.kafka_bootstrap,
                    "mongodb": settings.mongodb_uri,
                    "redis": settings.redis_url,
                    "sidecar": sidecar,
                    "topic_prefix": settings.topic_prefix,
                    "database": settings.mongodb_database,
                },
                "",
            )
            return
        took = f" in {monotonic_s() - self._started_s:.1f} s"
        self._print(Text("✓ ready", "green").append(took, "default"))
        self._print(Text())
        self._row("Kafka", settings.kafka_bootstrap, f"topics {settings.topic_prefix}*")
        self._row("MongoDB", settings.mongodb_uri, f"database {settings.mongodb_database}")
        self._row("Redis", settings.redis_url, "Valkey")
        if worker is None:
            self._row("Worker", "none", "start one with `accounts worker`")
        else:
            self._row("Health", f"{sidecar}/health", "")
            self._row("Metrics", f"{sidecar}/metrics", "")
            self._row("Contract", f"{sidecar}/asyncapi", "")
            self._row("Worker", f"process {worker.pid}", f"log {worker.log_path}")
        self._row("Data", str(data) if data else "temporary", "" if data else "gone at the end")

    def story_begins(self) -> None:
        """Head the story."""
        self._print(Text())
        self._print(Text("A short story", "bold"))

    def next_commands(self, accounts: str, *, with_story: bool, with_worker: bool) -> None:
        """Say what to type in another terminal, in this directory."""
        commands: list[str] = []
        if not with_worker:
            commands.append("worker")
        if not with_story:
            commands.append(
                "send register alice --email alice@example.com "
                "--first-name Alice --last-name Example"
            )
        commands += [
            "send deposit alice 12.50 USD",
            "send withdraw alice 5.00 USD",
            "watch --from-beginning",
            "verify --topic",
        ]
        self._print(Text())
        self._print(Text("Try, in another terminal in this directory", "bold"))
        for command in commands:
            self._print(Text(f"  {accounts} {command}"))
        self._print(Text())
        self._print(Text("Ctrl-C stops everything.", "dim"))

    def trouble(self, what: str) -> None:
        """Say what went wrong while it ran; further lines, such as the end of a log, below it."""
        first, *more = what.splitlines()
        self._print(Text("! ", "red").append(first, "default"))
        for line in more:
            self._print(Text(f"  {line}", "dim"))

    def next_step(self, line: str) -> None:
        """Say what is done about it."""
        self._print(Text(f"  {line}"))

    def relief(self, line: str) -> None:
        """Say that it is over."""
        self._print(Text("✓ ", "green").append(line, "default"))

    def stopping(self) -> None:
        """Say that the end takes a moment."""
        self._print(Text())
        self._print(Text("stopping", "dim"))

    def _row(self, name: str, value: str, remark: str) -> None:
        if not self._output.is_json:
            self._console.beside(
                Text(f"  {name:<9} ", "bold"), Text(f"{value}  ").append(remark, "dim")
            )

    def _print(self, text: Text) -> None:
        if not self._output.is_json:
            self._console.print(text)
