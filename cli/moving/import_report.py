"""What did not move in, line by line, in a file of JSON lines; and how much did."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from cli.moving.account_lines import FaultyLine


@dataclass(slots=True)
class Counts:
    """How many lines had which end."""

    lines: int = 0
    moved_in: int = 0
    """Opened and paid in full, in this run or one before."""
    repeated: int = 0
    """Of those: opened by an earlier run."""
    refused: int = 0
    """Wrong in themselves, or refused by the service, in whole or in part."""
    unknown: int = 0
    """Without an answer: running it again tells."""
    sent: int = 0
    """Commands that Kafka has."""

    @property
    def ended(self) -> int:
        """How many lines nothing more comes of."""
        return self.moved_in + self.refused + self.unknown


class ImportReport:
    """Counts, and writes down every line that did not move in whole.

    It names lines, fields, currencies and codes, and never what stands in a line.
    """

    def __init__(self, file: TextIO | None) -> None:
        """Write to *file*, each time a whole line."""
        self._file = file
        self.counts = Counts()

    def faulty(self, faulty: FaultyLine) -> None:
        """Note a line of which nothing was sent."""
        self.counts.refused += 1
        for problem in faulty.problems:
            self._write({"line": faulty.line, **problem})

    def ended(self, line: int, refusals: Sequence[Mapping[str, str]], *, repeated: bool) -> None:
        """Note a line of which every command is answered; with *refusals* it did not move in whole."""
        if not refusals:
            self.counts.moved_in += 1
            self.counts.repeated += repeated
            return
        self.counts.refused += 1
        for refusal in refusals:
            self._write({"line": line, **refusal})

    def unknown(self, line: int, command: str) -> None:
        """Note a line of which *command* has no answer."""
        self.counts.unknown += 1
        self._write(
            {"line": line, "command": command, "code": "unknown", "detail": "Run it again."}
        )

    def _write(self, record: Mapping[str, object]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
            self._file.flush()
