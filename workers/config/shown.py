"""Settings as they may be shown: secrets blanked, each value with its source."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import getsource
from itertools import pairwise
from typing import cast

from pydantic import BaseModel, SecretStr

from workers.config.connections import Connections
from workers.config.ledger import LedgerOptions
from workers.config.reader import ReaderOptions
from workers.config.settings import BOUNDS, Settings
from workers.monitoring.redaction import BLANK, redact


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One setting, fit for a screen or a log."""

    name: str
    value: str
    source: str
    about: str


def shown(settings: Settings) -> list[Shown]:
    """Return every setting in the order it is declared, redacted."""
    return [
        Shown(name=name, value=_text(value), source=settings.source(name), about=about)
        for name, value, about in _values(settings)
    ]


def _values(settings: Settings) -> Iterator[tuple[str, object, str]]:
    about = _documented(Connections) | _documented(Settings)
    bounds = _documented(ReaderOptions) | _documented(LedgerOptions)
    for name in Settings.model_fields:
        if name == "ledger":
            for setting, bound in BOUNDS.items():
                yield setting, getattr(settings.ledger, bound), bounds[bound]
        elif name != "sources":
            yield name, getattr(settings, name), about[name]


def _documented(described: type) -> dict[str, str]:
    """Return field → the text under it in the source; at run time nobody keeps it."""
    declared = ast.parse(getsource(described)).body[0]
    assert isinstance(declared, ast.ClassDef)
    texts: dict[str, str] = {}
    for statement, after in pairwise(declared.body):
        match statement, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[name] = _line(text)
            case _:
                pass
    return texts


def _line(text: str) -> str:
    return " ".join(text.split())


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return BLANK
        case tuple():
            return ",".join(str(each) for each in cast("tuple[object, ...]", value))
        case dict():
            return json.dumps(value, default=_plain)
        case _:
            return redact(str(value))


def _plain(value: object) -> object:
    assert isinstance(value, BaseModel)
    return value.model_dump(exclude_none=True)
