"""Asks one request for the command line; a refusal and no answer end the program with their code."""

import asyncio
from typing import NoReturn

import typer
from rich.text import Text

from cli.arguments.options import AskingOptions
from cli.screen.answers import REJECTED, UNKNOWN
from cli.screen.shown import as_json, error_facts, rejected, show
from cli.service.connection import client_of
from client.errors import OutcomeUnknownError
from client.questions import name_of, question_of
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result
from workers.clock import fresh_name
from workers.config.settings import load_settings


def body(user: str, **fields: object) -> dict[str, object]:
    """Return a new request about *user* with the *fields* that were given."""
    given = {name: value for name, value in fields.items() if value is not None}
    return {"request_id": fresh_name(), "username": user, **given}


def ask(request: AnyRequest, how: AskingOptions) -> Reply:
    """Return the reply, accepted or rejected; no answer in time ends the program."""
    try:
        reply = asyncio.run(_ask(request, how))
    except OutcomeUnknownError as error:
        show_no_answer(error)
    if reply.is_undecided:
        show_undecided(reply)
    return reply


def ask_accepted(request: AnyRequest, how: AskingOptions) -> Reply:
    """Return the accepted reply; anything else ends the program."""
    reply = ask(request, how)
    if reply.error is not None:
        show_refusal(reply)
    return reply


def show_refusal(answer: Result | Reply) -> NoReturn:
    """Print why it was refused, and end."""
    assert answer.error is not None
    facts = error_facts(answer.error)
    if isinstance(answer, Reply) and answer.retry_after_s is not None:
        facts.append(("try again", f"in {answer.retry_after_s} s"))
    show(as_json(answer), rejected(f"{answer.type} of {answer.username}"), facts)
    raise typer.Exit(REJECTED)


def show_undecided(reply: Reply) -> NoReturn:
    """Print an answer of which only a later release knows what it means, and end."""
    line = Text(f"? {reply.status}", "yellow").append(
        f"  {reply.type} of {reply.username}", "default"
    )
    show(as_json(reply), line, [("what", "a status of a later release than this program's")])
    raise typer.Exit(UNKNOWN)


def show_no_answer(error: OutcomeUnknownError) -> NoReturn:
    """Print that nobody answered, and end."""
    question, name = question_of(error.asked), name_of(error.asked)
    record = {
        "status": "unknown",
        "type": name,
        question.id_name: question.id,
        "username": question.username,
    }
    line = Text("? no answer", "yellow").append(f"  {name} of {question.username}", "default")
    show(record, line, [("what", f"{error.what}; do the workers run?")], stderr=True)
    raise typer.Exit(UNKNOWN) from None


async def _ask(request: AnyRequest, how: AskingOptions) -> Reply:
    async with client_of(load_settings()) as accounts:
        return await accounts.request(request, how.timeout, actor=how.actor)
