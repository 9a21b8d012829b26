"""`accounts asyncapi`: the contract as an AsyncAPI document."""

import json
from typing import Annotated

import typer

from cli.screen.output import output, print_line
from contract_docs.document import PREFIX_DEFAULT, document, to_yaml


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("asyncapi", help="Print the contract as an AsyncAPI document.")(asyncapi)


def asyncapi(
    prefix: Annotated[str, typer.Option(help="Start of every topic's name.")] = PREFIX_DEFAULT,
    bootstrap: Annotated[
        str | None, typer.Option(help="Kafka brokers; without them, three environments.")
    ] = None,
) -> None:
    """Print the document as YAML, or as JSON with `--output json`."""
    written = document(prefix=prefix, bootstrap=bootstrap)
    text = json.dumps(written) if output().is_json else to_yaml(written).rstrip("\n")
    for line in text.splitlines():
        print_line(line)
