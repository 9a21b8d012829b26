"""`python -m benchmarks`: run the scenarios on one dev stack, verify, print, write the figures."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import uvloop
from rich.console import Console

from benchmarks import pairs, picture
from benchmarks.baseline import Comparison, require_checkout
from benchmarks.bench import Bench
from benchmarks.plan import FULL, QUICK, SCENARIOS, Plan, chosen
from benchmarks.processes import BenchError
from benchmarks.report import show
from benchmarks.stack import running
from devstack.errors import DevStackError

PICTURE = Path("build/curve.png")


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the figures to this file, as JSON")
    parser.add_argument(
        "--picture",
        metavar="FILE",
        type=Path,
        help=f"where to draw the curve (.png, .svg, .pdf); beside --out by default, or {PICTURE}",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--only", metavar="SCENARIO,...", help=f"only these: {', '.join(SCENARIOS)}")
    what.add_argument(
        "--baseline",
        metavar="CHECKOUT",
        type=Path,
        help="measure instead what a command costs our worker and that of another checkout",
    )
    parser.add_argument("--pairs", metavar="N", type=int, help="windows of each with --baseline")
    parser.add_argument("--quick", action="store_true", help="small and short: a smoke run")
    given = parser.parse_args(argv)
    if given.pairs is not None and (given.baseline is None or given.pairs < 1):
        parser.error("--pairs is how many windows --baseline takes of each: 1 or more")
    return given


async def measure(plan: Plan, console: Console, given: argparse.Namespace) -> bool:
    """Run everything on a dev stack of its own; return False if the books are wrong at the end."""
    async with running(console) as (service, pids):
        bench = Bench(service=service, plan=plan, pids=pids, console=console)
        await bench.run()
    await write(given.out, bench.figures, bench.details)
    show(console, bench.figures, bench.details)
    if "curve" in plan.scenarios:
        path: Path = given.picture or (given.out.with_suffix(".png") if given.out else PICTURE)
        document = {**bench.figures, "details": bench.details}
        await asyncio.to_thread(draw_if_possible, document, path, console)
    return bench.figures["verified"] is not False


async def compare(plan: Plan, console: Console, out: Path | None, baseline: Path) -> bool:
    """Measure our worker and the baseline's on a dev stack; the books are not looked at."""
    baseline = require_checkout(baseline)
    async with running(console) as (service, pids):
        comparison = Comparison(
            service=service, plan=plan, pids=pids, console=console, baseline=baseline
        )
        await comparison.run()
    await write(out, comparison.figures, comparison.details)
    pairs.show(console, comparison.figures, comparison.details["checkouts"])
    return True


def draw_if_possible(document: Mapping[str, Any], path: Path, console: Console) -> None:
    """Draw the curve, or say what is missing for it."""
    if picture.can_draw():
        picture.draw(document, path)
        console.print(f"The curve as a picture: {path}", markup=False)
    else:
        console.print(
            f"The curve was not drawn: matplotlib is not there. `make bench` installs it, and so "
            f"does `{picture.HOW_TO_INSTALL}`; then, with what --out wrote: "
            f"`python -m benchmarks.picture result.json {path}`",
            markup=False,
        )


async def write(out: Path | None, figures: Mapping[str, Any], details: Mapping[str, Any]) -> None:
    """Keep everything as JSON where that was asked for."""
    if out is not None:
        document = {**figures, "details": details}
        await asyncio.to_thread(out.write_bytes, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def main() -> int:
    """Return 0 when measured and verified, 1 when the books are not clean, 2 when it broke."""
    console = Console(log_path=False)
    # On topics just created the first sends are refused and tried again, each with a warning.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    given = arguments(sys.argv[1:])
    try:
        plan = chosen(QUICK if given.quick else FULL, given.only)
        if given.baseline is None:
            return 0 if uvloop.run(measure(plan, console, given)) else 1
        plan = replace(plan, pairs=given.pairs or plan.pairs)
        return 0 if uvloop.run(compare(plan, console, given.out, given.baseline)) else 1
    except (BenchError, DevStackError, ValueError) as error:
        console.print(f"benchmarks: {error}", style="red", markup=False)
        return 2


if __name__ == "__main__":
    sys.exit(main())
