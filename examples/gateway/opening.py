"""Opens what a running gateway holds: the client, the key sets, the sessions that ended."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from client import AccountsClient
from client.revocations import Revocations
from examples.gateway.gateway import Gateway
from examples.gateway.key_set import KeySet, fetch_from
from examples.gateway.new_accounts import NewAccounts
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
    async with client as accounts, Revocations(accounts) as revocations:
        yield Gateway(
            accounts=accounts,
            keys=KeySet(partial(fetch_from, settings.jwks_url), time.monotonic),
            sealing_keys=KeySet(partial(fetch_from, settings.sealing_keys_url), time.monotonic),
            ended=revocations,
            token_issuer=settings.token_issuer,
            token_audience=settings.token_audience,
            answer_timeout_s=settings.answer_timeout_s,
            new_accounts=NewAccounts(settings.registrations_per_minute, time.monotonic),
        )
