"""Changes what is stored in MongoDB behind the service's back."""

import asyncio
from typing import Any

from storage.mongo.client import MongoClient
from tests.e2e.command_line import CommandLine
from tests.macs import mac_of
from workers.bootstrap.stores import mongo_options


def change(line: CommandLine, *commands: dict[str, Any]) -> None:
    async def run() -> None:
        client = MongoClient(mongo_options(line.settings()))
        for command in commands:
            await client.run(command)
        await client.close()

    asyncio.run(run())


def change_with_key(line: CommandLine, username: str, **fields: Any) -> None:
    """Change an account as only who has its key can, or a bug of ours."""

    async def run() -> None:
        client = MongoClient(mongo_options(line.settings()))
        one: dict[str, Any] = {"q": {"_id": username}, "u": {"$set": fields}}
        await client.run({"update": "accounts", "updates": [one]})
        [document] = await client.page("accounts", {"_id": username}, {"_id": 1}, 1)
        one["u"] = {"$set": {"mac": mac_of(document, line.settings().keys_dir)}}
        await client.run({"update": "accounts", "updates": [one]})
        await client.close()

    asyncio.run(run())


def damaged(collection: str, name: str, field: str) -> dict[str, Any]:
    update = {"q": {"_id": name}, "u": {"$set": {field: -100}}}
    return {"update": collection, "updates": [update]}
