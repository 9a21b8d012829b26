"""Lets several commands share a group of options: a dataclass, each field an option."""

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

from typer import Typer


def add_command(app: Typer, name: str, run: Callable[..., None]) -> None:
    """Add *run* to *app*; a parameter that is a dataclass becomes the options that are its fields."""
    own: list[inspect.Parameter] = []
    groups: dict[str, type] = {}
    hints = get_type_hints(run, include_extras=True)
    for parameter in inspect.signature(run).parameters.values():
        kind = hints[parameter.name]
        if is_dataclass(kind):
            assert isinstance(kind, type)
            groups[parameter.name] = kind
        else:
            own.append(parameter.replace(annotation=kind))
    options = [option for group in groups.values() for option in _options(group)]

    def command(**given: Any) -> None:
        for parameter, group in groups.items():
            names = [field.name for field in fields(group)]
            given[parameter] = group(**{name: given.pop(name) for name in names})
        run(**given)

    vars(command)["__signature__"] = inspect.Signature([*own, *options])
    command.__annotations__ = {one.name: one.annotation for one in [*own, *options]}
    app.command(name, help=inspect.getdoc(run))(command)


def _options(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(group).parameters.items()
    ]
