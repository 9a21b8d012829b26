"""A rule with a bug costs its own command only (P10); the bug is put in here, in process."""

import asyncio
from typing import Any

import pytest
from typing_extensions import override

from contracts.topics import DEPOSIT
from handlers.model.rules import CurrencyRules, Rules
from tests.e2e.caller import a_movement, open_caller
from tests.e2e.in_process import ledger_here
from tests.e2e.running import RunningService
from workers.config.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")


class BrokenCurrencies(dict[str, CurrencyRules]):
    """Raises on one currency, and says in its message what it was given."""

    @override
    def get(self, key: str, default: Any = None, /) -> Any:
        if key == "CHF":
            raise ZeroDivisionError(f"a bug, met with {key}")
        return super().get(key)


class BrokenSettings(Settings):
    """Settings that lead to those rules."""

    @override
    def rules(self) -> Rules:
        return Rules(currencies=BrokenCurrencies(super().rules().currencies))


async def test_a_rule_that_raises_stops_nothing_else(installed: RunningService) -> None:
    """P10: `internal_error` and a dead letter; the id stays free for when the bug is mended."""
    worker = await asyncio.to_thread(installed.start_worker)
    async with open_caller(installed) as caller:
        username = await caller.a_user("5.00")
        await asyncio.to_thread(worker.stop)
        bodies = [a_movement(username, "1.00", one) for one in ("USD", "CHF", "EUR")]
        broken = BrokenSettings.model_construct(**dict(installed.settings))
        async with ledger_here(installed, broken):
            await asyncio.gather(*(caller.send(DEPOSIT, body) for body in bodies))
            usd, chf, eur = [await caller.inbox.answer(one["command_id"]) for one in bodies]

        assert (usd.code, chf.code, eur.code) == (None, "internal_error", None)
        assert chf.body["error"]["retryable"] is True
        assert b"bug" not in chf.value
        [letter] = await caller.inbox.some("dead-letters", username)
        assert (letter.dlq["dlq_code"], letter.body) == ("internal_error", bodies[1])
        await asyncio.to_thread(installed.start_worker)
        mended = await caller.accepted(DEPOSIT, bodies[1])
        assert mended.body["duplicate"] is False
