"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

User = Annotated[str, typer.Argument(metavar="USER", help="Whose account.", show_default=False)]
Actor = Annotated[
    str | None, typer.Option("--actor", metavar="TEXT", help="Who asks; stored and audited.")
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long to wait.")
]
SealingKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--sealing-key",
        metavar="FILE",
        help="The service's public key (JWK or JWKS); by default its sidecar is asked.",
    ),
]
