"""Two checkouts against each other: whose turn it is, whose code runs, and what comes out."""

import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as command
from benchmarks.baseline import OURS, apart, require_checkout, version
from benchmarks.figures import Window
from benchmarks.pairs import BAR, Pair, compared, joined, order, show
from benchmarks.plan import FULL, QUICK
from benchmarks.processes import BenchError
from benchmarks.subject import Service
from workers.config.settings import Settings

PACKAGES = ("client", "contracts", "handlers", "storage", "workers")


def a_window(worker_us: float, *, per_s: float = 10_000.0) -> Window:
    costs = {"worker": worker_us, "mongod": 2 * worker_us, "kafka": 30.0}
    return Window(commands=60_000, seconds=60_000 / per_s, wall_s=9.0, cpu_us=costs)


def a_pair(ours_us: float, baseline_us: float) -> Pair:
    return Pair(ours=a_window(ours_us), baseline=a_window(baseline_us, per_s=8000.0))


def a_checkout(folder: Path, *packages: str) -> Path:
    for package in packages:
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").touch()
    return folder


def a_service(folder: Path, checkout: Path | None) -> Service:
    folder.mkdir()
    return Service(kafka="", mongodb="", redis="", folder=folder, checkout=checkout)


class TestOrder:
    @pytest.mark.parametrize("pairs", [2, 4, 6, 8])
    def test_lets_each_side_go_first_as_often_as_the_other(self, pairs: int) -> None:
        firsts = [order(number)[0] for number in range(pairs)]

        assert firsts.count("ours") == firsts.count("baseline")

    def test_has_both_sides_in_every_pair(self) -> None:
        assert [set(order(number)) for number in range(3)] == [{"ours", "baseline"}] * 3

    def test_lets_a_steady_drift_of_the_machine_cancel(self) -> None:
        """A machine that grows slower by the same from window to window."""
        costs = {"ours": 0.0, "baseline": 0.0}
        turns = [side for number in range(4) for side in order(number)]

        for turn, side in enumerate(turns):
            costs[side] += 50.0 + turn

        assert costs["ours"] == costs["baseline"]


class TestWindow:
    def test_is_what_its_parts_come_to(self) -> None:
        window = joined([a_window(50.0, per_s=10_000.0), a_window(60.0, per_s=5000.0)])

        assert (window.commands, window.seconds) == (120_000, 18.0)
        assert window.cpu_us == {"worker": 55.0, "mongod": 110.0, "kafka": 30.0}

    def test_is_made_of_parts_of_one_length(self) -> None:
        with pytest.raises(AssertionError):
            joined([a_window(50.0), replace(a_window(60.0), commands=1)])

    def test_has_parts_of_one_length_in_every_plan(self) -> None:
        assert [plan.pair_commands % plan.turns for plan in (FULL, QUICK)] == [0, 0]


class TestApart:
    def test_gives_each_worker_of_a_pair_groups_and_a_redis_of_its_own(self) -> None:
        ours = apart("pair-1-ours", "redis://127.0.0.1:6379/0", "ours")
        baseline = apart("pair-1-baseline", "redis://127.0.0.1:6379/0", "baseline")

        assert ours.keys() == baseline.keys()
        assert not set(ours.values()) & set(baseline.values())
        assert ours["ACCOUNTS_REDIS_URL"] == "redis://127.0.0.1:6379/1"

    def test_names_every_group_that_the_worker_has(self) -> None:
        groups = {name for name in Settings.model_fields if name.endswith("_group")}

        told = {
            name.removeprefix("ACCOUNTS_").lower() for name in apart("a", "redis://a/0", "ours")
        }

        assert told == {*groups, "ledger_group", "redis_url"}


class TestCompared:
    def test_takes_the_median_of_the_ratios_of_the_pairs(self) -> None:
        """Not the ratio of the medians: a slow minute slows both of a pair."""
        figures = compared([a_pair(51.0, 50.0), a_pair(103.0, 100.0), a_pair(45.0, 50.0)])

        assert figures["worker_cpu_ratio"] == 1.02
        assert [pair["worker_cpu_ratio"] for pair in figures["pairs"]] == [1.02, 1.03, 0.9]

    def test_says_what_the_servers_spent_and_how_fast_it_was(self) -> None:
        figures = compared([a_pair(51.0, 50.0)])

        assert (figures["mongod_cpu_ratio"], figures["kafka_cpu_ratio"]) == (1.02, 1.0)
        assert figures["per_s_ratio"] == 1.25
        [pair] = figures["pairs"]
        assert pair["order"] == order(0)
        assert pair["ours"]["cpu_us_per_command"]["worker"] == 51.0
        assert (pair["ours"]["per_s"], pair["baseline"]["per_s"]) == (10_000.0, 8000.0)

    @pytest.mark.parametrize(
        ("ours_us", "passed"), [(102.9, True), (103.0, True), (103.1, False), (90.0, True)]
    )
    def test_may_cost_three_percent_more(self, ours_us: float, *, passed: bool) -> None:
        assert BAR.passed(compared([a_pair(ours_us, 100.0)])) is passed

    def test_is_printed_pair_by_pair(self) -> None:
        screen = StringIO()
        figures = compared([a_pair(51.0, 50.0), a_pair(60.0, 50.0)])

        show(Console(file=screen, width=120), figures, {"ours": "abc-dirty", "baseline": "0123abc"})

        printed = screen.getvalue()
        assert "51.0 | 50.0" in printed
        assert "10,000 | 8,000" in printed
        assert "1.110 (bar ≤ 1.03, FAIL); pairs from 1.020 to 1.200" in printed
        assert "abc-dirty" in printed
        assert "0123abc" in printed


class TestCheckout:
    async def test_is_what_the_processes_run(self, tmp_path: Path) -> None:
        checkout = a_checkout(tmp_path / "other", *PACKAGES)

        await a_service(tmp_path / "run", checkout).require_code_of(checkout)

    async def test_is_ours_where_none_is_named(self, tmp_path: Path) -> None:
        await a_service(tmp_path / "run", None).require_code_of(OURS)

    @pytest.mark.parametrize("missing", ["contracts", "handlers", "storage", "workers"])
    async def test_is_refused_where_a_package_would_come_from_elsewhere(
        self, tmp_path: Path, missing: str
    ) -> None:
        """Ours is installed: what the other lacks would be found there."""
        checkout = a_checkout(tmp_path / "other", *(each for each in PACKAGES if each != missing))

        with pytest.raises(BenchError, match="would run code from elsewhere"):
            await a_service(tmp_path / "run", checkout).require_code_of(checkout)

    async def test_is_refused_where_it_cannot_be_imported(self, tmp_path: Path) -> None:
        checkout = a_checkout(tmp_path / "other", *PACKAGES)
        (checkout / "storage" / "__init__.py").write_text("raise RuntimeError('broken')")

        with pytest.raises(BenchError, match="broken"):
            await a_service(tmp_path / "run", checkout).require_code_of(checkout)

    def test_has_a_worker(self, tmp_path: Path) -> None:
        assert require_checkout(OURS) == OURS
        with pytest.raises(BenchError, match=r"it has no workers/__main__\.py"):
            require_checkout(tmp_path)

    async def test_without_version_control_is_of_an_unknown_version(self, tmp_path: Path) -> None:
        assert await version(tmp_path) == "unknown"


class TestCommandLine:
    def test_compares_in_as_many_pairs_as_asked_for(self) -> None:
        given = command.arguments(["--baseline", "before", "--pairs", "3"])

        assert (given.baseline, given.pairs) == (Path("before"), 3)

    @pytest.mark.parametrize(
        "line", ["--pairs 3", "--baseline before --pairs 0", "--baseline before --only hot"]
    )
    def test_refuses_what_makes_no_sense(
        self, line: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            command.arguments(line.split())

        assert "error: " in capsys.readouterr().err

    def test_starts_no_servers_for_what_is_no_checkout(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["benchmarks", "--baseline", str(tmp_path)])

        assert command.main() == 2

        assert "is not a checkout" in " ".join(capsys.readouterr().out.split())
