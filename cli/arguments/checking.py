"""Builds what is sent as if it were read from JSON, so that the service's own rules hold."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import ValidationError

from cli.screen.output import CliError
from contracts.message import Message

M = TypeVar("M", bound=Message)


@contextmanager
def plainly(kind: type[Message]) -> Generator[None]:
    """Say in one line each what the contract does not allow in a *kind* that is built inside.

    Raises:
        CliError: In place of a `ValueError`.
    """
    try:
        yield
    except ValidationError as error:
        problems = [_problem(kind, detail) for detail in error.errors(include_input=False)]
        raise CliError(*problems) from None
    except ValueError as error:
        raise CliError(str(error)) from None


def checked(kind: type[M], body: Mapping[str, Any]) -> M:
    """Return *body* as a *kind*.

    Raises:
        CliError: The contract does not allow it; one line for each problem.
    """
    with plainly(kind):
        return kind.model_validate_json(json.dumps(body))


def _problem(kind: type[Message], detail: Mapping[str, Any]) -> str:
    loc = [str(part) for part in detail["loc"]]
    message = str(detail["msg"]).removesuffix(".")
    message = f"{message[0].lower()}{message[1:]}"
    if not loc:
        return message
    if detail["type"] == "string_pattern_mismatch" and (example := _example(kind, loc[0])):
        return f"{loc[0]}: write it like {example}"
    return f"{'.'.join(loc)}: {message}"


def _example(kind: type[Message], field: str) -> str | None:
    """Return how *field* may look; an optional one says so in one of its alternatives."""
    schema = kind.model_json_schema().get("properties", {}).get(field, {})
    for alternative in [schema, *schema.get("anyOf", [])]:
        if alternative.get("examples"):
            return str(alternative["examples"][0])
    return None
