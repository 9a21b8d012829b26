"""Continues the trace of an HTTP request in what is asked of the service."""

from typing import Unpack

from client.asking import SentWith
from client.timeouts import ANSWER_TIMEOUT_S
from contracts.commands import AnyCommand
from contracts.headers import is_traceparent
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result
from examples.gateway.asking import Asks

HEADER = "traceparent"


class Traced:
    """Asks as part of one trace."""

    def __init__(self, accounts: Asks, traceparent: str) -> None:
        self._accounts = accounts
        self._traceparent = traceparent

    async def ask(
        self,
        command: AnyCommand,
        timeout_s: float = ANSWER_TIMEOUT_S,
        **added: Unpack[SentWith],
    ) -> Result:
        """Send a command and return its result."""
        added["traceparent"] = self._traceparent
        return await self._accounts.ask(command, timeout_s, **added)

    async def request(
        self,
        request: AnyRequest,
        timeout_s: float = ANSWER_TIMEOUT_S,
        **added: Unpack[SentWith],
    ) -> Reply:
        """Send a request and return its reply."""
        added["traceparent"] = self._traceparent
        return await self._accounts.request(request, timeout_s, **added)


def traced(accounts: Asks, header: str | None) -> Asks:
    """Return what asks as part of the trace that *header* names; any other is as good as absent."""
    if header is None or not is_traceparent(header):
        return accounts
    return Traced(accounts, header)
