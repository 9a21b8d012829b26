"""Groups of commands: their help is never cut, and a command's file is loaded when it is called."""

from collections.abc import Mapping
from importlib import import_module
from inspect import cleandoc
from keyword import iskeyword
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from workers.bootstrap.loading import loading


class Group(TyperGroup):
    """Says in full what each of its commands does, where the library cuts it to one line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, cleandoc(command.help or "")) for name, command in found if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class LazyGroup(Group):
    """Knows its commands by name; the one that is called, or completed, is loaded from its file."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that *args* begin with."""
        if args and args[0] in self.commands:
            self.commands[args[0]] = _loaded(args[0])
        return super().resolve_command(ctx, args)


def a_group(about: str) -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(help=about, cls=Group, no_args_is_help=True, rich_markup_mode=None)


def lazy(app: typer.Typer, commands: Mapping[str, str]) -> None:
    """Add *commands*, name → what it does, to *app*, whose class is `LazyGroup`."""
    for name, about in commands.items():
        app.command(name, help=about)(_not_loaded)


def _loaded(name: str) -> Any:
    """Return the command *name* from the file of that name, with underscores; a word of Python ends in one."""
    file = name.replace("-", "_") + ("_" if iskeyword(name) else "")
    with loading():
        module = import_module(f"cli.commands.{file}")
    app = typer.Typer(rich_markup_mode=None)
    module.register(app)
    return get_group(app).commands[name]


def _not_loaded() -> None:
    raise AssertionError("only its name and help are used")
