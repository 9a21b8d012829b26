"""A shop in Python on librdkafka: registers its users, moves their money, signs them in.

    python shop.py 127.0.0.1:9092 http://127.0.0.1:8080 dora

The second address is the sidecar's; any number of users. Needs the packages `confluent-kafka` and
`joserfc`, and nothing of this project. `ACCOUNTS_TOPIC_PREFIX` names other topics than `accounts.`.
"""

import os
import secrets
import sys
import uuid
from typing import Any

from asking import Accounts
from balances import follow
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sealing import UntrustedError, open_tokens, seal, verify

CALLER = "shop-confluent"
TOPICS = os.environ.get("ACCOUNTS_TOPIC_PREFIX", "accounts.")


def register(accounts: Accounts, sidecar: str, username: str, password: str) -> None:
    """Open an account that its user can sign in to."""
    command: dict[str, Any] = {
        "command_id": new_id(),
        "username": username,
        "email": f"{new_id()}@example.com",
        "first_name": "Dora",
        "last_name": "Example",
    }
    command["sealed_password"] = seal(password, sidecar, "register.sealed_password", command)
    print(f"register: {said(accounts.ask('commands.register', command))}")


def move(username: str, amount: str) -> dict[str, Any]:
    """Return a deposit or a withdrawal. Store it before it is sent, to send it again after a crash."""
    return {"command_id": new_id(), "username": username, "amount": amount, "currency": "USD"}


def said(answer: dict[str, Any]) -> str:
    """Return what an answer means to us."""
    error = answer.get("error")
    if error is None:
        entry = answer.get("entry")
        return f"accepted, #{entry['sequence']} {shown(entry)}" if entry else "accepted"
    if error["code"] == "insufficient_funds":
        return f"not enough money: {error['detail']}"
    # Also what no release of today says: a refusal is final, and nothing was changed.
    return f"refused, {error['code']}: {error['title']}"


def shown(entry: dict[str, Any]) -> str:
    """Return what is left, as it was said: never through a float."""
    return " ".join(f"{each['available']} {name}" for name, each in entry["balances"].items())


def sign_in(accounts: Accounts, sidecar: str, username: str, password: str) -> None:
    """Let the user in by an access token that is checked."""
    reply_key = OKPKey.generate_key("X25519")  # for this one request
    request: dict[str, Any] = {
        "request_id": new_id(),
        "username": username,
        "reply_key": {name: reply_key.as_dict(private=False)[name] for name in ("kty", "crv", "x")},
        "source": "198.51.100.7",  # where the user is
    }
    request["sealed_password"] = seal(
        password, sidecar, "login.sealed_password", request, reply_key
    )
    answer = accounts.ask("requests.login", request)
    if "error" in answer:
        print(f"not signed in: {said(answer)}")
        return
    try:
        tokens = open_tokens(answer["sealed_tokens"], reply_key, request)
        claims = verify(tokens["access_token"], sidecar, username)
    except (JoseError, UntrustedError) as error:
        print(f"not signed in: {error}")
        return
    print(f"signed in: {claims['sub']}, for {claims['exp'] - claims['iat']} s")


def visit(accounts: Accounts, sidecar: str, username: str) -> int:
    """Do everything once; return the sequence of the deposit's entry."""
    password = secrets.token_urlsafe()
    register(accounts, sidecar, username, password)
    deposit = move(username, "100.00")
    first = accounts.ask("commands.deposit", deposit)
    print(f"deposit: {said(first)}")
    again = accounts.ask("commands.deposit", deposit)  # as after a crash: it has its effect once
    same = first.get("entry") == again.get("entry")
    print(f"the same deposit: {'the same entry' if same else 'another entry'}")
    print(f"withdrawal: {said(accounts.ask('commands.withdraw', move(username, '500.00')))}")
    sign_in(accounts, sidecar, username, password)
    return again["entry"]["sequence"] if "entry" in again else 0


def main(bootstrap: str, sidecar: str, usernames: list[str]) -> None:
    """Have every user visit, then read all balances up to the last one's."""
    accounts = Accounts(bootstrap, TOPICS, CALLER)
    sequences = [visit(accounts, sidecar, username) for username in usernames]
    accounts.close()
    follow(bootstrap, TOPICS, CALLER, until=(usernames[-1], sequences[-1]))


def new_id() -> str:
    """Return an id with our own prefix: all senders share one space of ids per user."""
    return f"{CALLER}-{uuid.uuid4().hex}"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
