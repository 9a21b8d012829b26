"""`accounts asyncapi`: the contract as an AsyncAPI document, or as a page."""

import json
from typing import Annotated

import typer

from cli.screen.output import CliError, output, print_line
from contract_docs.document import PREFIX_DEFAULT, document, to_yaml


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("asyncapi", help="Print the contract as an AsyncAPI document.")(asyncapi)


def asyncapi(
    prefix: Annotated[str, typer.Option(help="Start of every topic's name.")] = PREFIX_DEFAULT,
    bootstrap: Annotated[
        str | None, typer.Option(help="Kafka brokers; without them, three environments.")
    ] = None,
    *,
    html: Annotated[
        bool, typer.Option("--html", help="Print it as a page: one file, which loads nothing.")
    ] = False,
) -> None:
    """Print the document as YAML, as JSON with `--output json`, or as a page with `--html`."""
    written = document(prefix=prefix, bootstrap=bootstrap)
    if html and output().is_json:
        raise CliError("--html prints a page: leave out --output json, or --html")
    if html:
        from contract_docs.page.rendering import render

        text = render(written, served=False)
    else:
        text = json.dumps(written) if output().is_json else to_yaml(written)
    for line in text.rstrip("\n").splitlines():
        print_line(line)
