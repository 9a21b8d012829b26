"""What a batch raises ends the process, and its text stands nowhere (P9)."""

from collections.abc import Sequence

import pytest

from tests.unit.raw import a_raw
from tests.unit.sealed import CANARY
from workers.consuming.records import Raw
from workers.consuming.unforeseen import or_end
from workers.monitoring.progress import Progress


async def test_a_batch_that_fails_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    async def take(records: Sequence[Raw]) -> None:
        raise ZeroDivisionError(records[0].value)

    progress = Progress("queries")

    await or_end(take, title="questions", progress=progress)([a_raw(value=CANARY.encode())])

    assert progress.failed == "a batch of questions failed: ZeroDivisionError"
    assert CANARY not in caplog.text
    assert "test_subscription.py" in caplog.text


async def test_one_that_does_not_fail_ends_nothing() -> None:
    taken: list[Raw] = []

    async def take(records: Sequence[Raw]) -> None:
        taken.extend(records)

    progress, records = Progress("queries"), [a_raw()]

    await or_end(take, title="questions", progress=progress)(records)

    assert (taken, progress.failed) == (records, None)
