"""`python -m devstack`: start the servers, print where they are, stay up until told to stop."""

import argparse
import dataclasses
import json
import signal
import sys
from pathlib import Path

from devstack.errors import DevStackError
from devstack.stack import Stack, StackOptions, start_stack


def main() -> int:
    """Run the stack until SIGTERM or SIGINT; exit 2 if it cannot start."""
    stopping = {signal.SIGTERM, signal.SIGINT}
    arguments = _arguments()
    options = StackOptions(data=arguments.data, cache=arguments.cache, progress=_report)
    for number in stopping:
        signal.signal(number, _exit)
    try:
        with start_stack(options) as stack:
            _announce(stack, arguments.output)
            signal.pause()
    except DevStackError as error:
        _report(f"error: {error}")
        return 2
    return 0


def _exit(_number: int, _frame: object) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):  # once is enough; stopping takes a second
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    parser.add_argument("--data", type=Path, help="keep the data here; temporary when left out")
    parser.add_argument("--cache", type=Path, help="keep downloads here")
    parser.add_argument("--output", choices=["text", "json"], default="text")
    return parser.parse_args()


def _announce(stack: Stack, output: str) -> None:
    addresses = dataclasses.asdict(stack.addresses)
    lines = (
        [json.dumps(addresses)]
        if output == "json"
        else [f"{name:8} {address}" for name, address in addresses.items()]
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _report(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
