"""What live and ready mean while things break (the table in docs/architecture.md)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from storage.ports.errors import StoreUnavailableError
from workers.monitoring import health
from workers.monitoring.health import Health, Probe, Report
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import EXCUSED_S, Progress


async def answers() -> None:
    return None


async def never_answers() -> None:
    await asyncio.Event().wait()


async def is_away() -> None:
    raise StoreUnavailableError("mongodb does not answer; check ACCOUNTS_MONGODB_URL")


async def tells_a_secret() -> None:
    raise RuntimeError("redis://:hunter2@host")


def a_worker(*, joined: bool = True, busy: bool = False, degraded: str | None = None) -> Progress:
    return Progress("ledger", joined=joined, busy=busy, degraded=degraded)


async def report_of(
    worker: Progress, metrics: Metrics | None = None, **asks: Callable[[], Awaitable[None]]
) -> Report:
    probes = [
        Probe(name=name, ask=asks.get(name, answers), required=name != "redis")
        for name in ("kafka", "mongodb", "redis")
    ]
    under_test = Health(
        probes=probes, workers=[worker], watchdog_s=30, metrics=metrics or Metrics()
    )
    await under_test.probe()
    return under_test.report()


class TestHealth:
    async def test_is_ok_when_all_is_well(self) -> None:
        report = await report_of(a_worker())

        assert report.body() == {
            "status": "ok",
            "live": True,
            "ready": True,
            "components": {
                "kafka": {"status": "up", "required": True},
                "mongodb": {"status": "up", "required": True},
                "redis": {"status": "up", "required": False},
                "ledger worker": {"status": "up", "joined": True},
            },
        }

    @pytest.mark.parametrize("away", ["kafka", "mongodb"])
    async def test_is_live_but_not_ready_without_a_required_dependency(self, away: str) -> None:
        report = await report_of(a_worker(), None, **{away: is_away})

        assert (report.live, report.ready) == (True, False)
        assert report.components[away]["status"] == "down"

    async def test_is_degraded_but_ready_without_redis(self) -> None:
        report = await report_of(a_worker(), redis=is_away)

        assert (report.live, report.ready) == (True, True)
        assert report.body()["status"] == "degraded"

    @pytest.mark.parametrize(
        ("waiting_for", "ready"), [("mongodb", False), ("kafka", False), ("redis", True)]
    )
    async def test_takes_a_named_wait_as_life(self, waiting_for: str, ready: bool) -> None:  # noqa: FBT001
        worker = a_worker(busy=True)
        worker.wait_for(waiting_for)
        worker.last_progress_s -= EXCUSED_S

        report = await report_of(worker)

        assert (report.live, report.ready) == (True, ready)
        assert report.components["ledger worker"]["waiting_for"] == waiting_for

    @pytest.mark.parametrize(("stalled_s", "live"), [(29, True), (31, False)])
    async def test_is_not_live_when_records_wait_too_long(self, stalled_s: int, live: bool) -> None:  # noqa: FBT001
        worker = a_worker(busy=True)
        worker.last_progress_s -= stalled_s

        report = await report_of(worker)

        assert (report.live, report.ready) == (live, live)

    async def test_is_not_live_once_a_worker_failed(self) -> None:
        worker = a_worker()
        worker.fail("retention overtook us")

        report = await report_of(worker)

        assert report.body()["status"] == "not live"
        assert report.components["ledger worker"]["failed"] == "retention overtook us"

    async def test_is_not_ready_before_the_group_is_joined(self) -> None:
        report = await report_of(a_worker(joined=False))

        assert (report.live, report.ready) == (True, False)

    async def test_shows_what_works_less_well(self) -> None:
        report = await report_of(a_worker(degraded="partition 3 cannot be decoded"))

        assert report.ready
        assert report.body()["status"] == "degraded"

    async def test_is_not_ready_before_anybody_was_asked(self) -> None:
        probe = Probe(name="kafka", ask=answers)
        untried = Health(probes=[probe], workers=[], watchdog_s=30, metrics=Metrics())

        assert not untried.report().ready

    async def test_bounds_every_probe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.01)

        report = await report_of(a_worker(), mongodb=never_answers)

        assert report.components["mongodb"]["detail"] == "no answer within 0.01 s"

    async def test_asks_last_what_goes_by_the_others(self) -> None:
        asked = list[str]()

        async def first() -> None:
            await asyncio.sleep(0)
            asked.append("kafka")

        async def then() -> None:
            asked.append("topics")

        probes = [Probe(name="topics", ask=then, last=True), Probe(name="kafka", ask=first)]
        await Health(probes=probes, workers=[], watchdog_s=30, metrics=Metrics()).probe()

        assert asked == ["kafka", "topics"]

    async def test_does_not_trust_an_old_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "FRESH_S", -1)

        assert not (await report_of(a_worker())).ready

    async def test_never_repeats_what_a_driver_says(self) -> None:
        report = await report_of(a_worker(), redis=tells_a_secret)

        assert report.components["redis"]["detail"] == "RuntimeError"

    async def test_says_what_to_check(self) -> None:
        report = await report_of(a_worker(), mongodb=is_away)

        assert "ACCOUNTS_MONGODB_URL" in report.components["mongodb"]["detail"]

    async def test_exports_which_component_is_up(self) -> None:
        metrics = Metrics()

        await report_of(a_worker(), metrics, redis=is_away)

        def up(component: str) -> float | None:
            labels = {"component": component}
            return metrics.registry.get_sample_value("accounts_component_up", labels)

        assert (up("kafka"), up("redis")) == (1, 0)

    async def test_keeps_asking(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "PROBE_INTERVAL_S", 0.001)
        asked = asyncio.Semaphore(0)

        async def ask() -> None:
            asked.release()

        probe = Probe(name="kafka", ask=ask)
        running = Health(probes=[probe], workers=[], watchdog_s=30, metrics=Metrics())
        task = asyncio.create_task(running.run())

        async with asyncio.timeout(5):
            for _ in range(3):
                await asked.acquire()
        task.cancel()
