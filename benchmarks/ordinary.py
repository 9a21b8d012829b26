"""The worker that a capable developer would write from FastStream's and PyMongo's documentation.

One message at a time, a pydantic model, one MongoDB transaction per command with an idempotency
check, three awaited publishes (result, balance event, audit event), acknowledgement after. It
keeps its own topics and database. Run as `python -m benchmarks.ordinary '<settings as JSON>'`.
"""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage
from pydantic import BaseModel, Field
from pymongo import AsyncMongoClient, InsertOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.write_concern import WriteConcern

Document = dict[str, Any]

DURABLE = WriteConcern("majority", j=True)
"""As durable as the service itself."""


class Settings(BaseModel):
    """Where it works."""

    kafka: str
    mongodb: str
    database: str
    prefix: str


class Movement(BaseModel):
    """A deposit or a withdrawal."""

    command_id: str = Field(min_length=1, max_length=128)
    username: str = Field(min_length=3, max_length=32)
    amount: Annotated[Decimal, Field(gt=0, decimal_places=2, max_digits=15)]
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class Ledger:
    """Accounts and outcomes in MongoDB."""

    def __init__(self, settings: Settings) -> None:
        self._client: AsyncMongoClient[Document] = AsyncMongoClient(settings.mongodb)
        database = self._client[settings.database]
        self._accounts = database["accounts"]
        self._outcomes = database["outcomes"]

    async def move(self, kind: str, command: Movement) -> Document:
        """Move the money once and return the outcome, recorded now or before."""
        async with self._client.start_session() as session:

            async def decide(session: AsyncClientSession) -> Document:
                return await self._decide(kind, command, session)

            return await session.with_transaction(decide, write_concern=DURABLE)

    async def _decide(self, kind: str, command: Movement, session: AsyncClientSession) -> Document:
        key = f"{command.username}:{command.command_id}"
        recorded = await self._outcomes.find_one({"_id": key}, session=session)
        if recorded is not None:
            return recorded
        account = await self._accounts.find_one({"_id": command.username}, session=session)
        cents = int(command.amount * 100)
        before = account["balances"].get(command.currency, 0) if account else 0
        after = before + (cents if kind == "deposit" else -cents)
        outcome: Document = {
            "_id": key,
            "command_id": command.command_id,
            "username": command.username,
            "type": kind,
            "status": "accepted" if account and after >= 0 else "rejected",
            "amount": str(command.amount),
            "currency": command.currency,
            "decided_at": datetime.now(tz=UTC),
        }
        if account and after >= 0:
            outcome |= {"sequence": account["sequence"] + 1, "before": before, "after": after}
            change = {"$set": {f"balances.{command.currency}": after}, "$inc": {"sequence": 1}}
            await self._accounts.update_one({"_id": command.username}, change, session=session)
        await self._outcomes.insert_one(outcome, session=session)
        return outcome


def application(settings: Settings) -> FastStream:
    """Build the worker."""
    broker = KafkaBroker(settings.kafka, acks="all", logger=None)
    ledger = Ledger(settings)
    prefix = settings.prefix

    @broker.subscriber(
        f"{prefix}commands.deposit",
        f"{prefix}commands.withdraw",
        group_id=f"{prefix}worker",
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
    )
    async def handle(command: Movement, message: KafkaMessage) -> None:
        record = message.raw_message
        assert not isinstance(record, tuple)
        kind = record.topic.rpartition(".")[2]
        outcome = await ledger.move(kind, command)
        key = command.username.encode()
        await broker.publish(outcome, f"{prefix}results", key=key)
        await broker.publish(outcome | {"event": "balance"}, f"{prefix}events.balance", key=key)
        await broker.publish(outcome | {"event": "audit"}, f"{prefix}events.audit", key=key)
        await message.ack()

    return FastStream(broker, logger=None)


async def open_accounts(settings: Settings, usernames: list[str]) -> None:
    """Give each user an account with plenty of money."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(settings.mongodb)
    accounts = client[settings.database].get_collection("accounts", write_concern=DURABLE)
    opened = ({"_id": name, "balances": {"USD": 100_000_000}, "sequence": 0} for name in usernames)
    await accounts.bulk_write([InsertOne(account) for account in opened])
    await client[settings.database].create_collection("outcomes")
    await client.close()


if __name__ == "__main__":
    uvloop.run(application(Settings.model_validate_json(sys.argv[1])).run())
