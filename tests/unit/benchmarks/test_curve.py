"""What is said of steady rates, in figures and in the picture."""

import sys
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import picture
from benchmarks.__main__ import draw_if_possible
from benchmarks.curve import Point, ratios
from benchmarks.report import FIGURES, show


def a_point(share: float, **changes: Any) -> Point:
    point = Point(
        share=share, per_s=10_000 * share, p50_ms=20, p99_ms=60, unanswered=0, cpu_us={"worker": 90}
    )
    return replace(point, **changes)


class TestCurve:
    def test_is_judged_at_a_third_of_the_backlog_rate(self) -> None:
        worse = {"p99_ms": 999, "cpu_us": {"worker": 999}}
        points = [a_point(0.05, **worse), a_point(0.33), a_point(0.9, **worse)]

        judged = ratios(points, idle_p50_ms=8.0, backlog_worker_us=60.0)

        assert judged == {"third_p99_ratio": 7.5, "third_cpu_ratio": 1.5}

    def test_shows_every_rate(self) -> None:
        screen = StringIO()
        points = [asdict(a_point(0.05)), asdict(a_point(0.9, p99_ms=31_000, unanswered=4567))]

        show(Console(file=screen, width=120), dict.fromkeys(FIGURES), {"curve": points})

        assert "9,000" in screen.getvalue()
        assert "31,000 ms" in screen.getvalue()
        assert "4,567" in screen.getvalue()


class TestPicture:
    def test_is_left_out_without_its_library_and_says_how_to_get_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        screen, path = StringIO(), tmp_path / "curve.png"

        draw_if_possible({}, path, Console(file=screen, width=300))

        assert not path.exists()
        assert picture.HOW_TO_INSTALL in screen.getvalue()

    def test_names_the_machine_and_the_commit(self) -> None:
        details = {"machine": {"processor": "a CPU", "cores": 2}, "commit": "abc1234-dirty"}

        title = picture.title({"ours_per_s": 12_345.6, "details": details})

        assert "a CPU, 2 cores" in title
        assert "commit abc1234-dirty" in title
        assert "12,346/s" in title
