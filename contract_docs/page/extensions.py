"""What the document says beyond AsyncAPI, in keywords that begin with `x-`."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, cast

from contract_docs.schemas import OPENED, PROBLEMS, Json
from contracts.published import KNOWN_VALUES

SHOWN_ELSEWHERE = {OPENED, PROBLEMS, KNOWN_VALUES, "x-codes", "x-refusals", "x-topicConfiguration"}
"""Those that have a place of their own on the page."""

ACRONYM_MAX = 3
"""Letters of a keyword that is no word, such as `x-acl`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What one keyword says."""

    title: str
    texts: list[tuple[str, str]]
    """Each with the name it stands under, which may be empty."""
    same_as: str | None = None
    """The topic that shows the same, where this is not shown again."""


def extensions(node: Json, known: Collection[str] = frozenset(SHOWN_ELSEWHERE)) -> list[Extension]:
    """Return what *node* says in keywords of its own."""
    return [
        Extension(title=_title(key), texts=list(_texts(said)))
        for key, said in node.items()
        if key.startswith("x-") and key not in known
    ]


def _title(key: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key.removeprefix("x-")).replace("-", " ")
    return words.upper() if len(words) <= ACRONYM_MAX else words[:1].upper() + words[1:].lower()


def _texts(said: Any) -> Iterator[tuple[str, str]]:
    if isinstance(said, dict):
        for name, each in cast("Json", said).items():
            yield str(name), _line(each)
    elif isinstance(said, list):
        for each in cast("list[Any]", said):
            yield _named_by_its_first(each) if isinstance(each, dict) else ("", _line(each))  # pyright: ignore[reportUnknownArgumentType] - JSON
    else:
        yield "", str(said).lower() if isinstance(said, bool) else str(said)


def _named_by_its_first(said: Json) -> tuple[str, str]:
    """Return one of many records alike, such as a right: its first value tells whose it is."""
    (_, first), *others = said.items()
    return _line(first), _line(dict(others))


def _line(said: Any) -> str:
    if isinstance(said, list):
        return ", ".join(_line(each) for each in cast("list[Any]", said))
    return "; ".join(f"{name}: {text}" if name else text for name, text in _texts(said))
