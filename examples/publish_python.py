"""Deposit money with the client, and print the answer.

    python examples/publish_python.py 127.0.0.1:9092 alice 10.50 USD

Needs `accounts-client` only. There, `client` is called `accounts_client`, and `contracts`
`accounts_client.contracts`.
"""

import asyncio
import sys

from client import AccountsClient, OutcomeUnknownError, fresh_command_id
from contracts.ledger import Deposit


async def deposit(bootstrap: str, username: str, amount: str, currency: str) -> None:
    """Send one deposit and print what became of it."""
    command = Deposit(
        # Keep it for every retry: sent again under the same id, it has its effect once.
        command_id=fresh_command_id(),
        username=username,
        amount=amount,
        currency=currency,
    )
    async with AccountsClient(bootstrap) as accounts:
        try:
            result = await accounts.ask(command)
        except OutcomeUnknownError:
            # It may have been done or not, and asking the same again is the way to find out.
            result = await accounts.ask(command)
    if result.is_undecided:
        print(f"{result.status}: ask again later, with the same id")
    elif result.error is not None:
        print(f"rejected: {result.error.code}: {result.error.detail}")
    elif result.entry is not None:
        print(f"accepted: {result.entry.balances[currency].posted} {currency}")


if __name__ == "__main__":
    asyncio.run(deposit(*sys.argv[1:5]))
