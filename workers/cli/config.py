"""`accounts config`: what is configured, from where, and whether it works."""

import typer

from workers.cli.output import output
from workers.config import load_settings
from workers.config_shown import shown


def register(app: typer.Typer) -> None:
    """Add the command."""
    config = typer.Typer(help="Show or check the configuration.", no_args_is_help=True)
    config.command("show")(show)
    app.add_typer(config, name="config")


def show() -> None:
    """Show every setting with its source; secrets are blanked."""
    rows = [(setting.name, setting.value, setting.source) for setting in shown(load_settings())]
    output().table(("setting", "value", "source"), rows)
