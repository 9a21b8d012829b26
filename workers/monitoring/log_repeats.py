"""Keeps what is logged again and again, such as while Kafka is away, to one line a minute."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import override

from workers.clock import monotonic_s

REPEAT_S = 60.0
"""How often one cause is told: a wait of hours stays readable, and is not mistaken for its end."""

CAUSES_MAX = 1000
"""Causes that are remembered. Past that all are forgotten: some lines are told once too often."""

OURS = frozenset(("workers", "storage", "client", "handlers", "contracts"))
"""Packages whose lines differ where their causes do. In those of libraries addresses, counters and
partitions differ although the cause is one."""


@dataclass(slots=True)
class _Told:
    """One cause."""

    at_s: float
    left_out: int = 0


class RepeatFilter(logging.Filter):
    """Lets a warning or an error pass once a minute for each cause, and says how many it kept."""

    def __init__(self, *, now_s: Callable[[], float] = monotonic_s) -> None:
        super().__init__()
        self._now_s = now_s
        self._told: dict[tuple[str, str, int], _Told] = {}

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether *record* is told."""
        if record.levelno < logging.WARNING:
            return True
        now_s, cause = self._now_s(), _cause(record)
        told = self._told.get(cause)
        if told is not None and now_s - told.at_s < REPEAT_S:
            told.left_out += 1
            return False
        if told is not None and told.left_out:
            record.msg = f"{record.getMessage()} ({told.left_out} more like this were left out)"
            record.args = ()
        if len(self._told) >= CAUSES_MAX:
            self._told.clear()
        self._told[cause] = _Told(now_s)
        return True


def _cause(record: logging.LogRecord) -> tuple[str, str, int]:
    if record.name.partition(".")[0] in OURS:
        return record.name, record.getMessage(), record.lineno
    return record.name, str(record.msg).partition("\n")[0], record.lineno
