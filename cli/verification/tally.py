"""What `accounts verify` has looked at and found, told while it goes on and at the end."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli.screen.clean_console import CleanConsole
from cli.screen.output import output
from cli.verification.published import Finding

FINDINGS_MAX = 1000
"""Findings that are told one by one; the rest is only counted: somebody must read them."""


@dataclass(slots=True)
class Tally:
    """The sums so far."""

    accounts: int = 0
    entries: int = 0
    events: int | None = None
    """None where the topic is not read."""
    owing_accounts: int = 0
    owing_events: int = 0
    """Events that nothing recorded says were published: their writer is at work, or was killed."""
    found: int = 0
    told: list[Finding] = field(default_factory=list[Finding])
    console: CleanConsole = field(default_factory=lambda: output().console())
    """One for the findings and the progress bar, so that they do not overwrite each other."""

    def take(self, findings: list[Finding]) -> None:
        """Take over *findings*, which is empty afterwards."""
        self.found += len(findings)
        told = findings[: FINDINGS_MAX - len(self.told)]
        self.told += told
        findings.clear()
        if not output().is_json:
            for one in told:
                line = Text("✗ ", "red").append(f"{one.username:<14}  ", "bold")
                said = Text(f"{one.violation:<18}  {one.detail}", "default")
                self.console.beside(line, said)

    @contextmanager
    def progress(self, what: str, total: int) -> Generator[Callable[[int], None]]:
        """Show how far *what* is, with rate and time to go, while a person looks at it."""
        if not output().is_live:
            yield lambda _: None
            return
        columns = (
            TextColumn("{task.description:<14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>10}"),
            TimeRemainingColumn(),
        )
        bar = Progress(*columns, console=self.console, transient=True)
        task = bar.add_task(what, total=total, rate="")

        def advance(count: int) -> None:
            bar.advance(task, count)
            speed = next(shown.speed for shown in bar.tasks if shown.id == task)
            bar.update(task, rate=f"{speed:,.0f}/s" if speed else "")

        with bar:
            yield advance

    def report(self, *, seconds: float) -> None:
        """Print the sums, and in JSON all findings with them."""
        looked_at = f"{self.accounts:,} accounts, {self.entries:,} entries"
        if self.events is not None:
            looked_at += f", {self.events:,} published events"
        speed = f"in {seconds:.1f} s"
        if output().is_json:
            output().record(_as_record(self, seconds), "")
        elif self.found:
            text = Text(f"✗ {self.found:,} findings", "red")
            self.console.print(text.append(f" in {looked_at}, {speed}", "default"))
        else:
            text = Text("✓ everything adds up", "green")
            self.console.print(text.append(f": {looked_at}, {speed}", "default"))
        if self.owing_events and self.events is None:
            output().note(
                f"{self.owing_events:,} events of {self.owing_accounts:,} accounts are not known to "
                "be published: their writer is at work, or was killed; --topic tells"
            )


def _as_record(tally: Tally, seconds: float) -> dict[str, object]:
    told: Sequence[Finding] = tally.told
    return {
        "verified": tally.found == 0,
        "accounts": tally.accounts,
        "entries": tally.entries,
        "events": tally.events,
        "owing": {"accounts": tally.owing_accounts, "events": tally.owing_events},
        "found": tally.found,
        "findings": [asdict(one) for one in told],
        "seconds": round(seconds, 3),
    }
