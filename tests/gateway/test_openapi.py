"""The gateway keeps what its OpenAPI document promises, whatever is sent to it."""

import asyncio
from contextlib import nullcontext
from typing import Any

import hypothesis
from fastapi import FastAPI
from schemathesis import GenerationMode, openapi
from schemathesis.config import (
    GenerationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.specs.openapi import checks

from contracts.ledger import Deposit
from examples.gateway.app import create_app
from examples.gateway.gateway import Gateway
from examples.gateway.issuer_tokens import IssuerTokens
from examples.gateway.key_set import Jwks, KeySet
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.gateway_in_memory import Sidecar, an_app, bearer
from tests.gateway.known import an_account
from tests.gateway.test_issuer_tokens import ISSUER, JWKS, a_token
from tests.published import NOON

EXAMPLES_MAX = 25
FEW_EXAMPLES = 5
"""Where nothing can be said but a token."""
BEYOND_A_SCHEMA = {"/auth/register", "/auth/profile"}
"""JSON Schema cannot say which e-mail addresses, phone numbers and names are valid."""
POSITIVE: Any = checks
EXCLUDED = [POSITIVE.positive_data_acceptance]
"""The service may refuse what is valid, with 422 too; the gateway may not, which is looked at below."""


def a_schema(app: FastAPI) -> Any:
    """Return what is called: the document of *app*."""
    generation = GenerationConfig(deterministic=True)
    projects = ProjectsConfig(default=ProjectConfig(generation=generation))
    loaded = openapi.from_dict(app.openapi(), config=SchemathesisConfig(seed=1, projects=projects))
    loaded.app = app
    return loaded


def a_gateway_of_alice() -> tuple[Any, str]:
    """Return the document of a gateway that knows alice, and a token of hers that lasts."""
    fake = FakeAccounts()
    fake.accounts["alice"] = an_account()
    deposit = Deposit(command_id="2", username="alice", amount="1000", currency="USD")
    asyncio.run(fake.ask(deposit))
    app = an_app(fake, Sidecar(fake))
    return a_schema(app), fake.keys.access_token("alice", "session-that-lasts", NOON)


def a_gateway_of_issuer() -> Any:
    """Return the document of a gateway that takes another issuer's tokens, which always last."""
    gateway = Gateway(accounts=FakeAccounts(), tokens=KEPT, now=lambda: NOON)
    return a_schema(create_app(lambda: nullcontext(gateway), issuer=ISSUER))


async def the_keys() -> Jwks:
    return JWKS


KEPT = IssuerTokens(issuer=ISSUER, keys=KeySet(the_keys, lambda: 0))
schema, TOKEN = a_gateway_of_alice()
schema_of_issuer = a_gateway_of_issuer().include(path=["/account", "/health"])


@schema.parametrize()
@hypothesis.settings(max_examples=EXAMPLES_MAX, deadline=None, derandomize=True, database=None)
def test_keeps_its_promises(case: Any) -> None:
    response = case.call_and_validate(headers=bearer(TOKEN), excluded_checks=EXCLUDED)

    _looked_at(case, response)


@schema_of_issuer.parametrize()
@hypothesis.settings(max_examples=FEW_EXAMPLES, deadline=None, derandomize=True, database=None)
def test_keeps_its_promises_to_users_of_another_issuer(case: Any) -> None:
    response = case.call_and_validate(headers=bearer(a_token()), excluded_checks=EXCLUDED)

    _looked_at(case, response)


def test_says_whose_tokens_are_taken() -> None:
    document: Any = schema_of_issuer.raw_schema

    assert ISSUER.url in document["components"]["securitySchemes"]["HTTPBearer"]["description"]
    assert "/account" in document["paths"]
    assert "/auth/login" not in document["paths"]


def _looked_at(case: Any, response: Any) -> None:
    positive = case.meta.generation.mode == GenerationMode.POSITIVE
    if positive and case.path not in BEYOND_A_SCHEMA and response.status_code == 422:
        assert response.json()["code"] != "invalid_request"
