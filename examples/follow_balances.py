"""Keep a copy of everybody's balances: take a snapshot, then follow the events. Ctrl-C ends it.

    python examples/follow_balances.py 127.0.0.1:9092

Needs `accounts-client` only. There, `client` is called `accounts_client`, and `contracts`
`accounts_client.contracts`.
"""

import asyncio
import contextlib
import sys

from client import AccountsClient, SequenceGapError


async def follow(bootstrap: str) -> None:
    """Print every balance, then each change as it comes."""
    async with AccountsClient(bootstrap) as accounts:
        while True:
            snapshot = await accounts.snapshot()
            for username, state in sorted(snapshot.balances.items()):
                for currency, balance in state.balances.items():
                    print(f"{username}: {balance.posted} {currency}, as of #{state.sequence}")
            try:
                async for received in accounts.follow_balance_events(snapshot):
                    entry = received.message
                    for currency, balance in entry.balances.items():
                        print(
                            f"{entry.username}: {balance.posted} {currency}, {entry.kind}, "
                            f"#{entry.sequence}"
                        )
            except SequenceGapError as gap:
                print(f"{gap}")  # and begin again with a fresh snapshot


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(follow(sys.argv[1]))
