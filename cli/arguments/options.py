"""Arguments and options that several commands take."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from client.timeouts import ANSWER_TIMEOUT_S


def text(name: str, metavar: str, about: str) -> Any:
    """Return an option that takes *metavar*, and what its help says of it."""
    return typer.Option(name, metavar=metavar, help=about)


def flag(name: str, about: str) -> Any:
    """Return an option that is given or not, and what its help says of it."""
    return typer.Option(name, help=about)


User = Annotated[str, typer.Argument(metavar="USER", help="Whose account.", show_default=False)]
Actor = Annotated[str | None, text("--actor", "TEXT", "Who asks; stored and audited.")]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingOptions:
    """How a request is asked."""

    actor: Actor = None
    timeout: Timeout = ANSWER_TIMEOUT_S
