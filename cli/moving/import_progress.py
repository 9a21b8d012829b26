"""How far an import has come, how fast, and how long it still takes: on standard error."""

import sys
from collections.abc import Callable
from datetime import timedelta

from cli.screen.output import output

ON_A_SCREEN_S = 0.5
"""Often enough to be seen moving."""

IN_A_LOG_S = 10.0
"""Seldom enough for an hour's import to be read through."""

SMOOTHING_S = 10.0
"""Over how long the rate is taken: it follows what happens now, and does not flicker."""


class ImportProgress:
    """Says from time to time how many accounts have an answer."""

    def __init__(self, clock_s: Callable[[], float], total_bytes: int | None) -> None:
        """Without *total_bytes*, of a pipe, nobody knows how much is still to come."""
        self._clock_s = clock_s
        self._total_bytes = total_bytes
        self._live = sys.stderr.isatty() and not output().is_json
        self._said_at_s = self._since_s = clock_s()
        self._samples: list[tuple[float, int]] = [(self._since_s, 0)]
        self._shown = False

    def tell(self, accounts: int, read_bytes: int, waiting: int) -> None:
        """Say that *accounts* are done, with *waiting* more on their way, if it is time to."""
        now_s = self._clock_s()
        if now_s - self._said_at_s < (ON_A_SCREEN_S if self._live else IN_A_LOG_S):
            return
        self._said_at_s = now_s
        recent = [each for each in self._samples if now_s - each[0] <= SMOOTHING_S]
        self._samples = [*(recent or self._samples[-1:]), (now_s, accounts)]
        line = self.line(accounts, read_bytes, waiting)
        if self._live:
            sys.stderr.write(f"\r\x1b[2K{line}")
            sys.stderr.flush()
            self._shown = True
        else:
            output().note(line)

    def line(self, accounts: int, read_bytes: int, waiting: int) -> str:
        """Return what there is to say."""
        (from_s, before), (to_s, after) = self._samples[0], self._samples[-1]
        rate = (after - before) / (to_s - from_s) if to_s > from_s else 0.0
        said = f"{accounts:,} accounts, {rate:,.0f}/s"
        known = accounts + waiting
        if not self._total_bytes or not known or not rate:
            return said
        expected = max(known, round(known * self._total_bytes / max(1, read_bytes)))
        left = timedelta(seconds=round((expected - accounts) / rate))
        return f"{said}, {accounts / expected:.0%} of about {expected:,}, {left} left"

    def end(self) -> None:
        """Leave the screen to what comes next."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
