"""Sign a user in, ask what the account holds, and sign out again.

    python examples/sign_in.py 127.0.0.1:9092 http://127.0.0.1:8080 alice

The second address is the sidecar's. Asks for the password.

Needs `accounts-client` only. There, `client` is called `accounts_client`, and `contracts`
`accounts_client.contracts`.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from getpass import getpass
from typing import Any
from urllib.request import urlopen

from client import AccountsClient, RefusedError, fresh_command_id, sign_in, sign_out
from contracts.queries import GetBalance


def fetch_sealing_keys(sidecar: str) -> dict[str, Any]:
    """Return what to seal to; a service that lives long reads them again now and then."""
    with urlopen(f"{sidecar}/.well-known/sealing-keys.json", timeout=10) as answer:  # noqa: S310 - given
        return json.load(answer)


async def visit(
    accounts: AccountsClient, sealing_keys: dict[str, Any], username: str, password: str
) -> None:
    """Open a session, ask, and end it."""
    try:
        session = await sign_in(accounts, sealing_keys, username, password, now=datetime.now(UTC))
    except RefusedError as error:
        print(f"not signed in: {error}")
        return
    print(f"signed in; the access token is good for {session.tokens.expires_in} s")

    question = GetBalance(request_id=fresh_command_id(), username=username)
    reply = await accounts.request(question)
    for currency, held in sorted(reply.balances.balances.items() if reply.balances else ()):
        print(f"{held.available} {currency} available")

    access_token = session.tokens.access_token
    await sign_out(accounts, sealing_keys, username, access_token, now=datetime.now(UTC))
    print("signed out")


async def main(bootstrap: str, sidecar: str, username: str, password: str) -> None:
    """Connect and visit."""
    sealing_keys = await asyncio.to_thread(fetch_sealing_keys, sidecar)
    # A service gives a `reply_topic` of its own: without one, answers stand where others read too.
    async with AccountsClient(bootstrap) as accounts:
        await visit(accounts, sealing_keys, username, password)


if __name__ == "__main__":
    BOOTSTRAP, SIDECAR, USERNAME = sys.argv[1:]
    asyncio.run(main(BOOTSTRAP, SIDECAR, USERNAME, getpass("Password: ")))
