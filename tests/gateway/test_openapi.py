"""The gateway keeps what its OpenAPI document promises, whatever is sent to it."""

import asyncio
from typing import Any

import hypothesis
from schemathesis import GenerationMode, openapi
from schemathesis.config import (
    GenerationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.specs.openapi import checks

from contracts.ledger import Deposit
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.gateway_in_memory import Sidecar, an_app, bearer
from tests.gateway.known import an_account
from tests.published import NOON

EXAMPLES_MAX = 25
BEYOND_A_SCHEMA = {"/auth/register", "/auth/profile"}
"""JSON Schema cannot say which e-mail addresses, phone numbers and names are valid."""
POSITIVE: Any = checks
EXCLUDED = [POSITIVE.positive_data_acceptance]
"""The service may refuse what is valid, with 422 too; the gateway may not, which is looked at below."""


def a_schema() -> tuple[Any, str]:
    """Return the document of a gateway that knows alice, and a token of hers that lasts."""
    fake = FakeAccounts()
    fake.accounts["alice"] = an_account()
    deposit = Deposit(command_id="2", username="alice", amount="1000", currency="USD")
    asyncio.run(fake.ask(deposit))
    generation = GenerationConfig(deterministic=True)
    projects = ProjectsConfig(default=ProjectConfig(generation=generation))
    config = SchemathesisConfig(seed=1, projects=projects)
    app = an_app(fake, Sidecar(fake))
    token = fake.keys.access_token("alice", "session-that-lasts", NOON)
    loaded = openapi.from_dict(app.openapi(), config=config)
    loaded.app = app
    return loaded, token


schema, TOKEN = a_schema()


@schema.parametrize()
@hypothesis.settings(max_examples=EXAMPLES_MAX, deadline=None, derandomize=True, database=None)
def test_keeps_its_promises(case: Any) -> None:
    response = case.call_and_validate(headers=bearer(TOKEN), excluded_checks=EXCLUDED)

    positive = case.meta.generation.mode == GenerationMode.POSITIVE
    if positive and case.path not in BEYOND_A_SCHEMA and response.status_code == 422:
        assert response.json()["code"] != "invalid_request"
