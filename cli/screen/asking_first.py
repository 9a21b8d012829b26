"""Commands that move something: each shows what it would do, and asks."""

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from cli.screen.output import CliError, output
from workers.monitoring.redaction import cleaned


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Whether to do it, only to say it, or to ask."""

    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, only say.")] = False
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, for scripts.")] = False

    def is_given(self, question: str) -> bool:
        """Return whether to go on; asks where nobody said so before.

        Raises:
            CliError: Nobody can be asked.
        """
        if self.dry_run:
            return False
        if self.yes:
            return True
        if output().is_json or not sys.stdin.isatty():
            raise CliError("nobody can be asked here: say --yes to do it, --dry-run to see it")
        return typer.confirm(cleaned(question), default=False, err=True)
