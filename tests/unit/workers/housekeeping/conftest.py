"""What the tests of the recount share."""

import pytest

from tests.unit.workers.housekeeping.books_in_memory import Books, unhurried


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Books:
    return unhurried(monkeypatch)
