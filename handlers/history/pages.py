"""A page of an account's history: which entries to read for it, and which of them it shows."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from contracts.codes import Code
from contracts.message import rfc3339
from contracts.queries import LIMIT_MAX, ListTransactions
from handlers.model.entry_kind import entry_kind
from handlers.model.outcome import Outcome
from handlers.model.refused import Refused
from handlers.wire.encoding import encoded
from handlers.wire.entries import entry_value

Order: TypeAlias = Literal["newest", "oldest"]

SCAN_MAX = 1000
"""Entries looked through for one page: some milliseconds, however few of them a filter lets pass.
Whoever wants more asks again with the cursor, so that nobody waits behind a long search."""

READ_MAX = LIMIT_MAX + 1
"""Entries read at once: a whole page, and the entry that tells whether there is a next one."""

PAGE_BYTES_MAX = 256 * 1024
"""JSON of one page's transactions: twice what a full page has without metadata, and hundreds of
such pages fit into memory together."""

SEQUENCE_BYTES = 6
"""Of a sequence in a cursor: more entries than any account will ever have."""

DIGEST_BYTES = 18
"""Of a digest in a cursor: makes 24 bytes, which base64 writes without padding."""


class EntryQuery(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Neighbouring entries of one account, in one direction."""

    username: str
    order: Order
    past: int | None
    """The sequence behind which it begins; None is the end of the history that comes first."""
    limit: int


def cursor_of(query: ListTransactions, sequence: int) -> str:
    """Return the cursor of the page behind *sequence*.

    The digest keeps a cursor with its user, filters and order, so that a caller who mixes them up
    is told. It is no secret and protects none: all that a cursor opens, the query does already.
    """
    place = sequence.to_bytes(SEQUENCE_BYTES, "big")
    return base64.urlsafe_b64encode(place + _digest(query, place)).decode()


def sequence_of(query: ListTransactions) -> int | None:
    """Return the sequence in the cursor of *query*; None where it is not one of ours."""
    assert query.cursor is not None
    try:
        read = base64.urlsafe_b64decode(query.cursor)
    except (binascii.Error, ValueError):
        return None
    sequence = int.from_bytes(read[:SEQUENCE_BYTES], "big")
    # Compared as written, because base64 is read more leniently than that.
    return sequence if cursor_of(query, sequence) == query.cursor else None


def _digest(query: ListTransactions, place: bytes) -> bytes:
    bound: list[str | None] = [
        query.username,
        query.currency,
        query.kind,
        None if query.from_ is None else query.from_.isoformat(),
        None if query.to is None else query.to.isoformat(),
        query.order,
    ]
    return hashlib.blake2b(place + encoded(bound), digest_size=DIGEST_BYTES).digest()


class PageBuilder:
    """Makes one page: `next_read` says what to read, `take` what was found, until there is no more.

    The page begins behind a sequence. New entries come after all others, so they never move what
    a page holds.
    """

    def __init__(
        self, query: ListTransactions, *, past: int | None = None, scan_max: int = SCAN_MAX
    ) -> None:
        """*scan_max* is how many entries are looked through; 1 at least, so that it gets on."""
        assert scan_max >= 1
        self._query = query
        self._past = past
        self._scan_max = scan_max
        self._found: list[msgspec.Raw] = []
        self._scanned = 0
        self._bytes = 0
        self._more = False
        self._over = query.from_ is not None and query.to is not None and query.from_ >= query.to

    @property
    def next_read(self) -> EntryQuery | None:
        """The entries to read next; None once the page is complete."""
        if self._over:
            return None
        query = self._query
        filtered = query.currency or query.kind or query.from_ or query.to
        wanted = READ_MAX if filtered else query.limit - len(self._found) + 1
        limit = min(wanted, self._scan_max - self._scanned + 1)
        return EntryQuery(username=query.username, order=query.order, past=self._past, limit=limit)

    def take(self, stretch: EntryQuery, outcomes: Sequence[Outcome]) -> None:
        """Add what was found in *stretch*; fewer than its limit are the last ones."""
        for outcome in outcomes:
            self._look_at(outcome)
            if self._over:
                return
        self._over = len(outcomes) < stretch.limit

    @property
    def page(self) -> dict[str, Any]:
        """The page, as `contracts.queries.Page`."""
        assert self._over, "there is more to read"
        page: dict[str, Any] = {"username": self._query.username, "transactions": self._found}
        if self._more:
            assert self._past is not None
            page["next_cursor"] = cursor_of(self._query, self._past)
        return page

    def _look_at(self, outcome: Outcome) -> None:
        assert outcome.entry is not None
        if _beyond(self._query, outcome):
            self._over = True
            return
        if len(self._found) == self._query.limit or self._scanned == self._scan_max:
            self._over = self._more = True
            return
        if _matches(self._query, outcome):
            shown, _ = entry_value(outcome, outcome.entry, rfc3339(outcome.decided_at))
            self._bytes += len(shown)
            if self._found and self._bytes > PAGE_BYTES_MAX:
                self._over = self._more = True
                return
            self._found.append(msgspec.Raw(shown))
        self._scanned += 1
        self._past = outcome.entry.sequence


def _beyond(query: ListTransactions, outcome: Outcome) -> bool:
    """Say whether nothing from here on can match: time never goes back within an account."""
    if query.order == "newest":
        return query.from_ is not None and outcome.decided_at < query.from_
    return query.to is not None and outcome.decided_at >= query.to


def _matches(query: ListTransactions, outcome: Outcome) -> bool:
    assert outcome.entry is not None
    at = outcome.decided_at
    return (
        query.currency in (None, outcome.entry.currency)
        and query.kind in (None, entry_kind(outcome.type))
        and (query.from_ is None or query.from_ <= at)
        and (query.to is None or at < query.to)
    )


def walk(
    query: ListTransactions, *, past: int | None = None, scan_max: int = SCAN_MAX
) -> PageBuilder | Refused:
    """Begin the page that *query* asks for: behind its cursor, or behind *past* without one."""
    if query.cursor is not None:
        past = sequence_of(query)
        if past is None:
            return Refused(
                code=Code.CURSOR_INVALID,
                detail="send a next_cursor as it came, with the same user, filters and order; "
                "or none, for the first page",
            )
    return PageBuilder(query, past=past, scan_max=scan_max)
