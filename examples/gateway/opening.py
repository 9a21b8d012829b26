"""Opens what a running gateway holds: the client, the key sets, the sessions that ended."""

import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from client import AccountsClient
from client.revocations import Revocations
from examples.gateway.gateway import Gateway
from examples.gateway.issuer_keys import fetch_keys_of
from examples.gateway.issuer_tokens import IssuerTokens
from examples.gateway.key_set import KeySet, fetch_from
from examples.gateway.new_accounts import NewAccounts
from examples.gateway.service_tokens import ServiceTokens
from examples.gateway.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Gateway]:
    """Hold a gateway open. It starts without the service, and answers 503 until that is there."""
    client = AccountsClient(
        settings.kafka_bootstrap,
        topic_prefix=settings.topic_prefix,
        security=settings.security(),
        reply_topic=settings.reply_topic,
    )
    async with AsyncExitStack() as stack:
        accounts = await stack.enter_async_context(client)
        yield Gateway(
            accounts=accounts,
            **await _tokens(settings, accounts, stack),
            answer_timeout_s=settings.answer_timeout_s,
            new_accounts=NewAccounts(settings.registrations_per_minute, time.monotonic),
        )


async def _tokens(
    settings: Settings, accounts: AccountsClient, stack: AsyncExitStack
) -> dict[str, Any]:
    """Return whose tokens are taken, and what else it takes where they are the service's own."""
    if settings.issuer is not None:
        keys = KeySet(partial(fetch_keys_of, settings.issuer), time.monotonic)
        return {"tokens": IssuerTokens(issuer=settings.issuer, keys=keys)}
    tokens = ServiceTokens(
        keys=KeySet(partial(fetch_from, settings.jwks_url), time.monotonic),
        ended=await stack.enter_async_context(Revocations(accounts)),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
    )
    sealing_keys = KeySet(partial(fetch_from, settings.sealing_keys_url), time.monotonic)
    return {"tokens": tokens, "sealing_keys": sealing_keys}
