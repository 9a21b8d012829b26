"""A short story, played on a running service: what it does, to be seen in ten lines."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from cli.screen.answers import changed, spoken
from cli.screen.output import output
from cli.service.connection import client_of, key_to_seal_to
from client.accounts import AccountsClient
from client.errors import OutcomeUnknownError
from client.sealing import seal
from contracts.commands import AnyCommand
from contracts.ledger import Deposit, Withdraw
from contracts.registration import Register
from contracts.results import Result
from contracts.sealing import Purpose
from workers.clock import fresh_name, monotonic_s, utc_now
from workers.config.settings import Settings

STEP_WIDTH = 38
"""Room for the longest step, so that the answers stand below each other."""


ANSWER_MAX_S = 120.0
"""A registration waits for a password's hash, which gives way to all else on a busy machine."""


async def play(settings: Settings) -> None:
    """Register two users, move money, be refused, repeat; print each answer as it comes."""
    key = await key_to_seal_to(settings, None)
    async with client_of(settings) as accounts:
        for command, remark in _steps(key):
            await _play(accounts, command, remark)


def _steps(key: dict[str, Any]) -> Sequence[tuple[AnyCommand, str]]:
    # The ids never change: played again on kept data, every step is a repeat and moves nothing.
    pay = Deposit(command_id="story-3", username="alice", amount="100.00", currency="USD")
    return (
        (_registration(key, "story-1", "alice", "Alice"), ""),
        (_registration(key, "story-2", "bobby", "Bobby"), ""),
        (pay, ""),
        (Withdraw(command_id="story-4", username="alice", amount="30.00", currency="USD"), ""),
        (Withdraw(command_id="story-5", username="alice", amount="500.00", currency="USD"), ""),
        (pay, ", again"),
    )


def _registration(key: dict[str, Any], command_id: str, username: str, first_name: str) -> Register:
    return Register(
        command_id=command_id,
        username=username,
        email=f"{username}@example.com",
        first_name=first_name,
        last_name="Example",
        sealed_password=seal(
            fresh_name(),
            key=key,
            purpose=Purpose.REGISTER_PASSWORD,
            command_id=command_id,
            username=username,
            issued_at=utc_now(),
        ),
    )


async def _play(accounts: AccountsClient, command: AnyCommand, remark: str) -> None:
    started_s = monotonic_s()
    step = Text(f"  {spoken(command) + remark:<{STEP_WIDTH}}")
    try:
        result = await accounts.ask(command, ANSWER_MAX_S, actor="story")
    except OutcomeUnknownError as error:
        _print(step, Text("? ", "yellow").append(error.what, "default"))
        return
    took = f"{(monotonic_s() - started_s) * 1000:.0f} ms"
    _print(step, _answer(result).append(f"  {took}", "dim"))


def _answer(result: Result) -> Text:
    if result.error is not None:
        text = Text("✗ rejected  ", "red").append(
            f"{result.error.code}: {result.error.detail}", "default"
        )
    elif result.is_undecided:
        text = Text(f"? {result.status}", "yellow")
    else:
        text = Text("✓ accepted", "green")
    if result.entry is not None:
        text.append(f"  {changed(result.entry)}", "default")
    if result.duplicate:
        text.append("  a repeat: same answer, nothing moved", "yellow")
    return text


def _print(step: Text, answer: Text) -> None:
    if not output().is_json:
        output().console().beside(step, answer)
