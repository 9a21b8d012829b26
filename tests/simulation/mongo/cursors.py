"""Answers that did not fit into one batch."""

from collections.abc import Sequence

from bson.int64 import Int64

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.refusals import ServerError


class Cursors:
    """What is left of each answer, all of it as of when it was asked for."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[str, Sequence[Document]]] = {}
        self._last = 2**40

    def open(self, namespace: str, left: Sequence[Document]) -> Int64:
        """Return the number under which *left* can be asked for."""
        self._last += 1
        self._left[self._last] = (namespace, left)
        return Int64(self._last)

    def take(
        self, number: int, namespace: str, size: int | None
    ) -> tuple[Sequence[Document], Int64]:
        """Return the next *size* documents, and the number for those behind: 0 where all are told.

        Raises:
            ServerError: There is no such cursor any more.
        """
        found = self._left.pop(number, None)
        if found is None or found[0] != namespace:
            raise ServerError(43, f"cursor id {number} not found")
        _, left = found
        if size is None or size > len(left):
            return left, Int64(0)
        self._left[number] = (namespace, left[size:])
        return left[:size], Int64(number)
