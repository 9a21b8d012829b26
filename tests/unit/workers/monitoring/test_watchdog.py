"""The watchdog ends the process when, and only when, a worker cannot get on any more."""

import asyncio
import logging
import time

import pytest

from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import EXCUSED_S, Progress
from workers.monitoring.watchdog import Watchdog


def a_watchdog(*workers: Progress, ended: list[str] | None = None) -> Watchdog:
    """Build one that looks every 10 ms and gives a worker 20 ms."""
    end = ([] if ended is None else ended).append
    return Watchdog(workers, watchdog_s=0.02, end=end, metrics=Metrics(), interval_s=0.01)


def rounds(watchdog: Watchdog, count: int) -> list[str | None]:
    return [watchdog.look() for _ in range(count)]


class TestWatchdog:
    def test_ends_the_process_when_records_wait_without_progress(self) -> None:
        worker = Progress("ledger", busy=True)

        reasons = rounds(a_watchdog(worker), 4)

        assert reasons[:3] == [None, None, None]
        assert reasons[3] == "ledger worker: no progress for 0 s while records wait"
        assert worker.failed is not None

    def test_leaves_an_idle_worker_alone(self) -> None:
        assert rounds(a_watchdog(Progress("ledger", busy=False)), 50) == [None] * 50

    def test_leaves_a_worker_alone_that_waits_for_a_dependency(self) -> None:
        worker = Progress("ledger", busy=True)
        worker.wait_for("mongodb")

        assert rounds(a_watchdog(worker), 50) == [None] * 50

    def test_takes_no_wait_for_an_excuse_that_nobody_names_any_more(self) -> None:
        worker = Progress("ledger", busy=True)
        worker.wait_for("mongodb")
        worker.last_progress_s -= EXCUSED_S + 1

        assert rounds(a_watchdog(worker), 4)[3] == (
            "ledger worker: no progress for 1 s while records wait"
        )

    def test_leaves_a_busy_worker_alone_that_gets_on(self) -> None:
        worker = Progress("ledger", busy=True)
        watchdog = a_watchdog(worker)

        for _ in range(20):
            assert rounds(watchdog, 2) == [None, None]
            worker.advance()

    def test_does_not_hold_a_stopped_process_against_a_worker(self) -> None:
        worker = Progress("ledger", busy=True)
        worker.last_progress_s -= 3600  # as after SIGSTOP and SIGCONT an hour later

        assert a_watchdog(worker).look() is None

    def test_gives_the_first_reason_of_a_failed_worker(self) -> None:
        worker = Progress("credentials")
        worker.fail("the log starts past our cursor")
        worker.fail("something later")

        reason = a_watchdog(Progress("ledger"), worker).look()

        assert reason == "credentials worker: the log starts past our cursor"

    async def test_calls_the_end_once(self) -> None:
        ended: list[str] = []
        worker = Progress("ledger")
        worker.fail("gone")

        async with asyncio.timeout(5):
            await a_watchdog(worker, ended=ended).run()

        assert ended == ["ledger worker: gone"]

    async def test_notices_a_blocked_loop(self, caplog: pytest.LogCaptureFixture) -> None:
        watchdog = a_watchdog(Progress("ledger"))

        with caplog.at_level(logging.WARNING):
            task = asyncio.create_task(watchdog.run())
            await asyncio.sleep(0)
            time.sleep(0.6)  # noqa: ASYNC251 - blocking the loop is what this is about
            async with asyncio.timeout(5):
                while "event loop was blocked" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                    await asyncio.sleep(0.01)
            task.cancel()

    def test_exports_when_a_worker_last_got_on(self) -> None:
        metrics = Metrics()

        Watchdog(
            [Progress("ledger")], watchdog_s=1, end=print, metrics=metrics, interval_s=1
        ).look()

        name = "accounts_last_progress_timestamp_seconds"
        moment_s = metrics.registry.get_sample_value(name, {"worker": "ledger"})
        assert moment_s == pytest.approx(time.time(), abs=5)
