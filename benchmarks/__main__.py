"""`python -m benchmarks`: run the scenarios on one dev stack, verify, print, write the figures."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

import orjson
import uvloop
from rich.console import Console

from benchmarks.bench import Bench
from benchmarks.plan import FULL, QUICK, SCENARIOS, Plan, chosen
from benchmarks.processes import BenchError
from benchmarks.report import show
from benchmarks.stack import running
from devstack.errors import DevStackError


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the figures to this file, as JSON")
    parser.add_argument(
        "--only", metavar="SCENARIO,...", help=f"only these: {', '.join(SCENARIOS)}"
    )
    parser.add_argument("--quick", action="store_true", help="small and short: a smoke run")
    return parser.parse_args(argv)


async def measure(plan: Plan, console: Console, out: Path | None) -> bool:
    """Run everything on a dev stack of its own; return False if the books are wrong at the end."""
    async with running(console) as (service, pids):
        bench = Bench(service=service, plan=plan, pids=pids, console=console)
        await bench.run()
    if out is not None:
        document = {**bench.figures, "details": bench.details}
        await asyncio.to_thread(out.write_bytes, orjson.dumps(document, option=orjson.OPT_INDENT_2))
    show(console, bench.figures, bench.details)
    return bench.figures["verified"] is not False


def main() -> int:
    """Return 0 when measured and verified, 1 when the books are not clean, 2 when it broke."""
    console = Console(log_path=False)
    # On topics just created the first sends are refused and tried again, each with a warning.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    given = arguments(sys.argv[1:])
    try:
        plan = chosen(QUICK if given.quick else FULL, given.only)
        return 0 if uvloop.run(measure(plan, console, given.out)) else 1
    except (BenchError, DevStackError, ValueError) as error:
        console.print(f"benchmarks: {error}", style="red", markup=False)
        return 2


if __name__ == "__main__":
    sys.exit(main())
