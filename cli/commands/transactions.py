"""`accounts transactions`: the history of an account, a page or all of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.arguments.checking import checked
from cli.arguments.option_groups import add_command
from cli.arguments.options import AskingOptions, User, flag, text
from cli.screen.output import Table, output
from cli.screen.shown import as_json
from cli.service.connection import client_of
from cli.service.questions import body, show_no_answer, show_refusal, show_undecided
from client.errors import OutcomeUnknownError
from contracts.message import rfc3339
from contracts.queries import LIMIT_DEFAULT, LIMIT_MAX, ListTransactions, Page
from contracts.replies import Reply
from workers.config.settings import load_settings

COLUMNS = ("sequence", "occurred_at", "kind", "amount", "after", "currency", "command_id")


class KindOption(StrEnum):
    """What `--kind` accepts."""

    DEPOSITED = "deposited"
    WITHDRAWN = "withdrawn"


class Order(StrEnum):
    """What `--order` accepts."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilters:
    """Which transactions, and in which order."""

    currency: Annotated[str | None, text("--currency", "CURRENCY", "In this one alone.")] = None
    kind: Annotated[KindOption | None, typer.Option("--kind", help="Of this kind alone.")] = None
    from_: Annotated[str | None, text("--from", "TIME", "Not earlier (RFC 3339).")] = None
    to: Annotated[str | None, text("--to", "TIME", "Earlier than this (RFC 3339).")] = None
    order: Annotated[Order, typer.Option("--order", help="Which come first.")] = Order.NEWEST
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="NUMBER", min=1, max=LIMIT_MAX, help="How many on a page."),
    ] = LIMIT_DEFAULT


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "transactions", transactions)


def transactions(
    user: User,
    filters: TransactionFilters,
    how: AskingOptions,
    *,
    cursor: Annotated[
        str | None, text("--cursor", "CURSOR", "Go on after the page that named it.")
    ] = None,
    everything: Annotated[
        bool, flag("--all", "Page after page, to the end; in JSON one a line.")
    ] = False,
) -> None:
    """Show the history of an account, newest first."""
    given = asdict(filters)
    given["from"] = given.pop("from_")
    query = checked(ListTransactions, body(user, **given, cursor=cursor))
    asyncio.run(_show(query, how, everything=everything))


async def _show(query: ListTransactions, how: AskingOptions, *, everything: bool) -> None:
    table = Table(COLUMNS)
    try:
        async for reply, page in _pages(query, how):
            if output().is_json:
                output().record(as_json(reply), "")
            else:
                table.add(_rows(page))
            if not everything:
                _note_more(page)
                return
    except OutcomeUnknownError as error:
        show_no_answer(error)


async def _pages(query: ListTransactions, how: AskingOptions) -> AsyncIterator[tuple[Reply, Page]]:
    """Yield page after page; a refusal ends the program."""
    async with client_of(load_settings()) as accounts:
        following: ListTransactions | None = query
        while following is not None:
            reply = await accounts.request(following, how.timeout, actor=how.actor)
            if reply.error is not None:
                show_refusal(reply)
            if reply.is_undecided:
                show_undecided(reply)
            assert reply.page is not None, "an accepted reply to list-transactions has one"
            yield reply, reply.page
            following = _after(query, reply.page.next_cursor)


def _after(query: ListTransactions, cursor: str | None) -> ListTransactions | None:
    if cursor is None:
        return None
    same: dict[str, Any] = as_json(query)
    return checked(ListTransactions, same | body(query.username, cursor=cursor))


def _rows(page: Page) -> Sequence[Sequence[str]]:
    return [
        (
            str(one.sequence),
            rfc3339(one.occurred_at),
            one.kind,
            moved.amount,
            one.balances[moved.currency].posted,
            moved.currency,
            one.command_id,
        )
        for one in page.transactions
        for moved in one.moved
    ]


def _note_more(page: Page) -> None:
    if page.next_cursor is not None:
        output().note(f"there is more: --all, or go on with --cursor {page.next_cursor}")
