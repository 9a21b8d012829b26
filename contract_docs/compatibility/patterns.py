"""Whether one regular expression provably takes all that another takes."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_PART = re.compile(
    r"(?P<one>\[(?!\^)(?:\\.|[^\]\\])+\]|\\[dw.]|[A-Za-z0-9_:@/-])"
    r"(?:\{(?P<least>\d+)(?P<range>,(?P<most>\d*))?\}|(?P<sign>[*+?]))?",
    re.ASCII,
)
"""A character, or one of several, and how often it stands there."""

_SIGNS = {"*": (0, None), "+": (1, None), "?": (0, 1), None: (1, 1)}
_ASCII = [chr(number) for number in range(128)]


class _PatternPlace(NamedTuple):
    """Where one of these characters stands."""

    characters: frozenset[str]
    optional: bool
    repeats: bool


def takes_all_of(wider: str, narrower: str) -> bool:
    """Return whether all that matches *narrower* provably matches *wider*.

    It is decided of ASCII characters in a row between `^` and `$`. Of groups, alternatives, look-aheads
    and what a class leaves out nothing is proved, but that equals are equal.
    """
    if wider == narrower:
        return True
    taking, given = _places(wider), _places(narrower)
    return taking is not None and given is not None and _is_within(given, taking)


def _places(pattern: str) -> list[_PatternPlace] | None:
    """Return *pattern* place by place; None where it has something else."""
    if not (pattern.isascii() and pattern.startswith("^") and pattern.endswith("$")):
        return None
    places: list[_PatternPlace] = []
    at, end = 1, len(pattern) - 1
    while at < end:
        found = _PART.match(pattern, at, end)
        if found is None:
            return None
        places += _of_part(found)
        at = found.end()
    return places


def _of_part(found: re.Match[str]) -> list[_PatternPlace]:
    characters = frozenset(filter(re.compile(found["one"], re.ASCII).fullmatch, _ASCII))
    if found["least"] is None:
        least, most = _SIGNS[found["sign"]]
    else:
        least = int(found["least"])
        most = least if found["range"] is None else int(found["most"]) if found["most"] else None
    needed = [_PatternPlace(characters, optional=False, repeats=False)] * least
    if most is None:
        return [*needed, _PatternPlace(characters, optional=True, repeats=True)]
    return [*needed, *[_PatternPlace(characters, optional=True, repeats=False)] * (most - least)]


def _is_within(given: Sequence[_PatternPlace], taking: Sequence[_PatternPlace]) -> bool:
    """Walk both at once, by every text that *given* takes: wherever it may end, so must *taking*."""
    alike = {tuple(one in place.characters for place in (*given, *taking)): one for one in _ASCII}
    start = _reached(given, [0]), _reached(taking, [0])
    waiting, seen = [start], {start}
    while waiting:
        here, there = waiting.pop()
        if len(given) in here and len(taking) not in there:
            return False
        for character in alike.values():
            after = _after(given, here, character), _after(taking, there, character)
            if after[0] and after not in seen:
                seen.add(after)
                waiting.append(after)
    return True


def _after(places: Sequence[_PatternPlace], at: Iterable[int], character: str) -> frozenset[int]:
    """Return at which places a text may be that was *at* some, one *character* further."""
    return _reached(
        places,
        [
            place if places[place].repeats else place + 1
            for place in at
            if place < len(places) and character in places[place].characters
        ],
    )


def _reached(places: Sequence[_PatternPlace], at: Iterable[int]) -> frozenset[int]:
    """Return *at* with the places behind those that may be left out; the last is the end."""
    found: set[int] = set()
    for place in at:
        found.add(place)
        following = place
        while following < len(places) and places[following].optional:
            following += 1
            found.add(following)
    return frozenset(found)
