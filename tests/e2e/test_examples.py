"""The examples that README.md names do what they say."""

import json

import pytest

from client import AccountsClient
from examples.sign_in import visit
from tests.e2e.caller import PASSWORD, Caller
from tests.e2e.running import RunningService

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_user_signs_in_looks_at_the_balance_and_signs_out(
    service: RunningService, caller: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    username = await caller.a_user("12.50")
    jwks = json.loads(service.workers[0].get("/.well-known/jwks.json")[1])

    async with AccountsClient(service.addresses.kafka, topic_prefix=service.prefix) as accounts:
        await visit(accounts, jwks, username, PASSWORD)
        await visit(accounts, jwks, username, "another")

    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "signed in; the access token is good for 300 s",
        "12.50 USD available",
        "signed out",
    ]
    assert said[3].startswith(f"not signed in: login of {username}: invalid_credentials: ")
