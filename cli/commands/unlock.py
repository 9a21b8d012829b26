"""`accounts unlock`: let a user's unknown devices sign in again before the day's guesses come back."""

import asyncio
from contextlib import AsyncExitStack

import typer

from cli.arguments.checking import checked
from cli.arguments.option_groups import add_command
from cli.arguments.options import Actor, User
from cli.screen.asking_first import Consent
from cli.screen.output import CliError, output
from cli.service.questions import body
from cli.service.store import open_store_without_accounts
from contracts.message import rfc3339
from contracts.request import SignInRequest
from handlers.history.operating import Operation, audit_event
from handlers.identity.subjects import of_user
from handlers.identity.throttling import Allowance
from storage.mongo.throttles import MongoThrottles
from workers.clock import fresh_name, utc_now
from workers.config.settings import Settings, load_settings
from workers.identity.options import USER_RULE
from workers.kafka.publisher import kafka_publisher
from workers.kafka.publishing import Outgoing, PublishError
from workers.kafka.topic_names import TopicNames

UNLOCK = "unlock"
"""The audited action."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, UNLOCK, unlock)


def unlock(user: User, consent: Consent, *, actor: Actor = None) -> None:
    """Forget the failed sign-ins of a user, so that nobody has to wait for them."""
    checked(SignInRequest, body(user))
    asyncio.run(_unlock(load_settings(), user, consent, actor))


async def _unlock(settings: Settings, user: str, consent: Consent, actor: str | None) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_store_without_accounts(settings))
        throttles = MongoThrottles(client)
        [found] = (await throttles.look({of_user(user): USER_RULE}, now=utc_now())).values()
        if not output().is_json:
            output().record({}, _line(user, found))
        if not consent.is_given(f"Forget the failed sign-ins of {user}?"):
            _report(user, found, None)
            return
        forgotten = await throttles.unlock(user)
        done = Operation(
            id=f"{UNLOCK}-{fresh_name()}",
            username=user,
            at=utc_now(),
            action=UNLOCK,
            detail=f"{forgotten} counts of failed sign-ins were forgotten",
            actor=actor,
        )
        await _publish(settings, stack, done)
        _report(user, found, done)


async def _publish(settings: Settings, stack: AsyncExitStack, done: Operation) -> None:
    publisher = await stack.enter_async_context(kafka_publisher(settings))
    topic = TopicNames.under(settings.topic_prefix).audit_events
    event = Outgoing.of(topic, done.username.encode(), audit_event(done))
    try:
        await publisher.publish([event])
    except PublishError as error:
        raise CliError(
            f"{done.username} is unlocked, but that is not published ({error}): "
            "run it again once Kafka answers"
        ) from error


def _failures(found: Allowance) -> int:
    # The one that would be allowed now is counted with them.
    return found.failures - found.allowed


def _line(user: str, found: Allowance) -> str:
    told = f"{user}: {_failures(found)} failed sign-ins on unknown devices"
    return told if found.retry_at is None else f"{told}, refused until {rfc3339(found.retry_at)}"


def _report(user: str, found: Allowance, done: Operation | None) -> None:
    record = {
        "username": user,
        "unlocked": done is not None,
        "unlock_id": done.id if done else None,
        "failures": _failures(found),
        "refused_until": rfc3339(found.retry_at) if found.retry_at else None,
    }
    text = f"✓ {user} is unlocked, as {done.id}" if done else "nothing was changed"
    output().record(record, text)
