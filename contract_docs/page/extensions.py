"""What the document says beyond AsyncAPI, in keywords that begin with `x-`."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, cast

from contract_docs.schemas import OPENED, PROBLEMS, Json
from contracts.published import KNOWN_VALUES

SHOWN_ELSEWHERE = {OPENED, PROBLEMS, KNOWN_VALUES, "x-codes", "x-refusals", "x-topicConfiguration"}
"""Those that have a place of their own on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What one keyword says."""

    title: str
    texts: list[tuple[str, str]]
    """Each with the name it stands under, which may be empty."""


def extensions(node: Json, known: Collection[str] = frozenset(SHOWN_ELSEWHERE)) -> list[Extension]:
    """Return what *node* says in keywords of its own."""
    return [
        Extension(title=_title(key), texts=list(_texts(said)))
        for key, said in node.items()
        if key.startswith("x-") and key not in known
    ]


def _title(key: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key.removeprefix("x-")).replace("-", " ")
    return words[:1].upper() + words[1:].lower()


def _texts(said: Any) -> Iterator[tuple[str, str]]:
    if isinstance(said, dict):
        for name, each in cast("Json", said).items():
            yield str(name), _line(each)
    elif isinstance(said, list):
        for each in cast("list[Any]", said):
            yield "", _line(each)
    else:
        yield "", str(said).lower() if isinstance(said, bool) else str(said)


def _line(said: Any) -> str:
    return "; ".join(f"{name}: {text}" if name else text for name, text in _texts(said))
