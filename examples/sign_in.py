"""Sign a user in, ask what the account holds, and sign out again.

    python examples/sign_in.py 127.0.0.1:9092 http://127.0.0.1:8080 alice

The second address is the sidecar's. Asks for the password.

Needs `accounts-client` only. There, `client` is called `accounts_client`, and `contracts`
`accounts_client.contracts`.
"""

import asyncio
import sys
from getpass import getpass

from client import AccountsClient, RefusedError


async def visit(accounts: AccountsClient, username: str, password: str) -> None:
    """Open a session, ask, and end it."""
    try:
        session = await accounts.login(username, password)
    except RefusedError as error:
        print(f"not signed in: {error}")
        return
    print(f"signed in; the access token is good for {session.tokens.expires_in} s")

    held = await accounts.balances(username)
    for currency, balance in sorted(held.balances.items()):
        print(f"{balance.available} {currency} available")

    await accounts.logout(username, session.tokens.access_token)
    print("signed out")


async def main(bootstrap: str, sidecar: str, username: str, password: str) -> None:
    """Connect and visit."""
    sealing_keys = f"{sidecar}/.well-known/sealing-keys.json"
    # A service gives a `reply_topic` of its own: without one, answers stand where others read too.
    async with AccountsClient(bootstrap, sealing_keys=sealing_keys) as accounts:
        await visit(accounts, username, password)


if __name__ == "__main__":
    BOOTSTRAP, SIDECAR, USERNAME = sys.argv[1:]
    asyncio.run(main(BOOTSTRAP, SIDECAR, USERNAME, getpass("Password: ")))
