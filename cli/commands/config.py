"""`accounts config`: what is configured, from where, and whether it works."""

import asyncio

import typer

from cli.groups import a_group
from cli.screen.output import output
from workers.bootstrap.checks import run_checks
from workers.config.settings import load_settings
from workers.config.shown import shown


def register(app: typer.Typer) -> None:
    """Add the command."""
    config = a_group("Show or check the configuration.")
    config.command("show")(show)
    config.command("check")(check)
    app.add_typer(config, name="config")


def show() -> None:
    """Show every setting with its source; secrets are blanked."""
    columns = ["setting", "value", "source"]
    rows = [[one.name, one.value, one.source, one.about] for one in shown(load_settings())]
    if output().is_json:  # on a screen it would leave no room
        columns.append("about")
    output().table(columns, [row[: len(columns)] for row in rows])


def check() -> None:
    """Check all that a worker checks before it starts; exit 2 if one would not start."""
    settings = load_settings()
    warnings = asyncio.run(run_checks(settings))
    for warning in warnings:
        output().note(f"warning: {warning}")
    output().record({"ok": True, "warnings": warnings}, "Everything a worker needs is there.")
