"""What one running gateway holds, and how a route gets it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from examples.gateway.asking import Asks
from examples.gateway.bounded import HASHES, Places
from examples.gateway.key_set import KeySet
from examples.gateway.metrics import Metrics
from examples.gateway.new_accounts import NewAccounts
from examples.gateway.settings import ANSWER_TIMEOUT_S, REGISTRATIONS_PER_MINUTE
from examples.gateway.taking_tokens import TakesTokens
from examples.gateway.tracing import HEADER, traced


def utc_now() -> datetime:
    """Return the current moment, UTC."""
    return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The service, whose tokens are taken, and what is bounded."""

    accounts: Asks
    tokens: TakesTokens
    sealing_keys: KeySet | None = None
    """To seal passwords and tokens to; None where users sign in elsewhere."""
    answer_timeout_s: float = ANSWER_TIMEOUT_S
    metrics: Metrics = field(default_factory=Metrics)
    sign_ins: Places = field(default_factory=partial(Places, *HASHES))
    registrations: Places = field(default_factory=partial(Places, *HASHES))
    """Those that wait for a hash. Registrations are hashed last, and keep nobody's place."""
    new_accounts: NewAccounts = field(
        default_factory=partial(NewAccounts, REGISTRATIONS_PER_MINUTE, time.monotonic)
    )
    now: Callable[[], datetime] = utc_now

    async def seal_anew(self) -> None:
        """Have the next secret sealed to the newest key: that of the last one is gone."""
        if self.sealing_keys is not None:
            await self.sealing_keys.refresh()


def _gateway(request: Request) -> Gateway:
    gateway = request.app.state.gateway
    assert isinstance(gateway, Gateway)
    return replace(gateway, accounts=traced(gateway.accounts, request.headers.get(HEADER)))


TheGateway = Annotated[Gateway, Depends(_gateway)]
