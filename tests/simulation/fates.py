"""What becomes of each call: drawn by a seed, or told by a script; and what became of all of them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from tests.simulation.network import Call, Fate, Said

DELAY_S = 0.002
"""What an ordinary answer takes on its way, at most; some take as long again on the way back."""

AT_ONCE = 0.75
"""How often an ordinary answer is heard in the moment in which it was done, which is a callback less."""

LATE_S = (0.2, 8.0)
"""What a late one takes: some are later than whoever asks waits for."""

FROZEN_S = (0.5, 20.0)
"""How long a process stands still: some outlive their session, and are zombies."""


FATES = ("refused", "lost", "late", "never", "unforeseen", "killed", "frozen")
"""What can become of a call but an ordinary answer, as `Rates` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How likely each fate is, per call."""

    refused: float = 0.0
    """An error, and nothing was done."""
    lost: float = 0.0
    """An error, and it was done."""
    late: float = 0.0
    never: float = 0.0
    unforeseen: float = 0.0
    killed: float = 0.0
    frozen: float = 0.0
    on: str = ""
    """The only operation that it happens to; to any, where none is named."""

    @property
    def total(self) -> float:
        """How likely anything but an ordinary answer is."""
        return sum(getattr(self, name) for name in FATES)


Place = tuple[str, str, int]
"""Process, operation, and how many of its kind that process has asked for before."""


@dataclass(slots=True)
class Schedule:
    """The calls of one run: their digest, and those whose fate was none of the ordinary."""

    calls: int = 0
    struck: dict[Place, Fate] = field(default_factory=dict[Place, Fate])
    lines: list[str] | None = None
    """All of them, where somebody wants to read them."""
    places: dict[Place, int] | None = None
    """All of them, with how many errors each can be answered by, where somebody wants each to fail."""
    counts: Counter[str] = field(default_factory=Counter[str])
    _asked: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    _told: list[object] = field(default_factory=list[object])

    @property
    def digest(self) -> str:
        """Return what is the same for the same calls at the same times with the same fates."""
        return hashlib.blake2b(repr(self._told).encode(), digest_size=16).hexdigest()

    def place(self, process: str, operation: str) -> Place:
        """Return the place of the next call."""
        asked = self._asked.setdefault(process, {})
        number = asked[operation] = asked.get(operation, -1) + 1
        return process, operation, number

    def note(self, at_s: float, place: Place, fate: Fate) -> None:
        """Write down one call."""
        self.calls += 1
        kind = _kind(fate)
        self._told.append((at_s, place, kind))
        if kind:
            self.struck[place] = fate
            self.counts[f"{place[1]}: {kind}"] += 1
        if self.lines is not None:
            self.lines.append(
                f"{at_s:10.4f}  {place[0]:12} {place[1]} #{place[2]}  {kind}".rstrip()
            )

    def said(self, at_s: float, text: str) -> None:
        """Write down what is no call."""
        self._told.append((at_s, text))
        if self.lines is not None:
            self.lines.append(f"{at_s:10.4f}  -- {text}")


def _kind(fate: Fate) -> str:
    if fate.said is Said.ANSWER and not fate.frozen_s and fate.before_s + fate.after_s < LATE_S[0]:
        return ""
    done = "done" if fate.done else "not done"
    error = f" {fate.error}" if fate.said is Said.ERROR else ""
    frozen = f", frozen {fate.frozen_s:.2f} s" if fate.frozen_s else ""
    return f"{done}, {fate.said.value}{error} after {fate.before_s + fate.after_s:.2f} s{frozen}"


class SeededFates:
    """Draws them; while all is calm, only how long each call takes."""

    def __init__(self, seed: int, rates: Rates, schedule: Schedule) -> None:
        self._random = Random(f"fates {seed}")
        self._delays = Random(f"delays {seed}")
        """Apart, so that they are the same where a script says what goes wrong."""
        self._rates = rates
        self._total = rates.total
        self._schedule = schedule
        self.calm = False
        self.script: Mapping[Place, Fate] | None = None
        """Instead of what would be drawn: these, and nothing else goes wrong."""
        self.clock: Callable[[], float] = lambda: 0.0
        self.away_until_s: dict[str, float] = {}
        """By server: until then it answers nobody."""

    def of(self, process: str, call: Call) -> Fate:
        """Return the fate of the next call of *process*."""
        place = self._schedule.place(process, f"{call.server} {call.operation}")
        fate = self._drawn(process, call, place)
        self._schedule.note(self.clock(), place, fate)
        if self._schedule.places is not None:
            self._schedule.places[place] = len(call.errors) + len(call.refusals)
        return fate

    def _drawn(self, process: str, call: Call, place: Place) -> Fate:
        random = self._random
        delay_s = self._delays.random() * DELAY_S
        at_once = self._delays.random() < AT_ONCE
        ordinary = Fate(before_s=delay_s, after_s=0.0 if at_once else delay_s)
        if self.script is not None:
            return self.script.get(place, ordinary)
        if self.away_until_s.get(call.server, 0.0) > self.clock():
            return Fate(before_s=delay_s, after_s=0.1, done=False, said=Said.ERROR)
        if self.calm or process == "outside" or self._rates.on not in ("", call.operation):
            return ordinary
        if random.random() >= self._total:
            return ordinary
        return self._bad(call, delay_s)

    def _bad(self, call: Call, delay_s: float) -> Fate:
        random, rates = self._random, self._rates
        drawn = random.random() * self._total
        error = 0 if random.random() < 1 / 2 else random.randrange(max(1, len(call.errors)))
        done = random.random() < 1 / 2
        late_s = random.uniform(*LATE_S)
        frozen_s = random.uniform(*FROZEN_S)
        fates = {
            "refused": Fate(before_s=delay_s, done=False, said=Said.ERROR, error=error),
            "lost": Fate(before_s=delay_s, after_s=delay_s, said=Said.ERROR, error=error),
            "late": Fate(before_s=delay_s, after_s=late_s)
            if done
            else Fate(before_s=late_s, after_s=delay_s),
            "never": Fate(before_s=late_s if error else delay_s, done=done, said=Said.NEVER),
            "unforeseen": Fate(before_s=delay_s, done=done, said=Said.UNFORESEEN),
            "killed": Fate(before_s=delay_s, done=done, said=Said.KILLED),
            "frozen": Fate(before_s=delay_s, done=True, frozen_s=frozen_s),
        }
        for name, fate in fates.items():
            drawn -= getattr(rates, name)
            if drawn < 0:
                return fate
        return fates["late"]
