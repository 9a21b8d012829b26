"""Signing in and out with the client against a running worker, and hearing of ended sessions."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Unpack
from uuid import uuid4

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions

from client import reader as reading
from client import revocations as following
from client import sessions
from client.accounts import AccountsClient
from client.asking import SentWith
from client.errors import NoAnswerError, RefusedError
from client.kafka import Kafka
from client.revocations import Revocations
from client.sealing import seal, sealing_key
from client.tokens import verify_access_token
from contracts.ledger import Deposit
from contracts.queries import GetBalance
from contracts.registration import Register
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.sealing import Purpose
from tests.e2e.caller import open_producer
from tests.e2e.running import RunningService
from tests.speed import at_this_speed
from workers.kafka.connection import kafka_admin

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "one two three four"
REVOKED_WITHIN_S = 1.0
"""What a gateway promises its users."""


def now() -> datetime:
    return datetime.now(tz=UTC)


@pytest.fixture(scope="module")
def sealing_keys(service: RunningService) -> dict[str, Any]:
    return json.loads(service.workers[0].get("/.well-known/sealing-keys.json")[1])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def accounts(service: RunningService) -> AsyncIterator[AccountsClient]:
    reply_topic = await service.add_reply_topic("client-tests")
    async with AccountsClient(
        service.addresses.kafka, topic_prefix=service.prefix, reply_topic=reply_topic
    ) as accounts:
        yield accounts


async def a_user(accounts: AccountsClient, sealing_keys: dict[str, Any]) -> str:
    username, command_id = f"alice-{uuid4().hex[:8]}", uuid4().hex
    sealed = seal(
        PASSWORD,
        key=sealing_key(sealing_keys),
        purpose=Purpose.REGISTER_PASSWORD,
        command_id=command_id,
        username=username,
        issued_at=now(),
    )
    registration = Register(
        command_id=command_id,
        username=username,
        email=f"{username}@example.com",
        first_name="A",
        last_name="L",
        sealed_password=sealed,
    )
    assert (await accounts.ask(registration)).status == "accepted"
    return username


def session_in(token: str, service: RunningService) -> str:
    keys = json.loads(service.workers[0].get("/.well-known/jwks.json")[1])
    claims = verify_access_token(token, keys, issuer="accounts", audience="accounts")
    return claims.session_id


class HardOfHearing:
    """Misses the first reply that comes."""

    def __init__(self, accounts: AccountsClient) -> None:
        self._accounts = accounts
        self.heard: list[Reply] = []

    async def request(
        self, request: AnyRequest, timeout_s: float = 10.0, **added: Unpack[SentWith]
    ) -> Reply:
        self.heard.append(await self._accounts.request(request, timeout_s, **added))
        if len(self.heard) == 1:
            raise NoAnswerError(request, "missed")
        return self.heard[-1]


class TestSessions:
    async def test_last_from_sign_in_to_sign_out(
        self, service: RunningService, accounts: AccountsClient, sealing_keys: dict[str, Any]
    ) -> None:
        alice = await a_user(accounts, sealing_keys)

        opened = await sessions.sign_in(accounts, sealing_keys, alice, PASSWORD, now=now())
        renewed = await sessions.refresh(
            accounts, sealing_keys, alice, opened.tokens.refresh_token, now=now()
        )
        token = renewed.tokens.access_token
        ended = await sessions.sign_out(accounts, sealing_keys, alice, token, now=now())

        assert opened.session_id == renewed.session_id == session_in(token, service)
        assert ended == 1
        with pytest.raises(RefusedError, match="session_ended"):
            await sessions.refresh(
                accounts, sealing_keys, alice, renewed.tokens.refresh_token, now=now()
            )

    async def test_end_elsewhere_when_the_password_changes(
        self, accounts: AccountsClient, sealing_keys: dict[str, Any]
    ) -> None:
        alice = await a_user(accounts, sealing_keys)
        here = await sessions.sign_in(accounts, sealing_keys, alice, PASSWORD, now=now())
        await sessions.sign_in(accounts, sealing_keys, alice, PASSWORD, now=now())

        ended = await sessions.change_password(
            accounts,
            sealing_keys,
            alice,
            here.tokens.access_token,
            PASSWORD,
            "five six seven eight",
            now=now(),
        )

        assert ended == 1
        await sessions.sign_in(accounts, sealing_keys, alice, "five six seven eight", now=now())
        with pytest.raises(RefusedError, match="invalid_credentials"):
            await sessions.sign_in(accounts, sealing_keys, alice, PASSWORD, now=now())

    async def test_open_once_where_an_answer_is_lost(
        self, accounts: AccountsClient, sealing_keys: dict[str, Any]
    ) -> None:
        alice = await a_user(accounts, sealing_keys)
        deaf = HardOfHearing(accounts)

        opened = await sessions.sign_in(deaf, sealing_keys, alice, PASSWORD, now=now())

        first, second = deaf.heard
        assert first == second
        assert opened.session_id == first.session_id


class TestRevocations:
    async def test_are_known_within_a_second(
        self, accounts: AccountsClient, sealing_keys: dict[str, Any]
    ) -> None:
        alice = await a_user(accounts, sealing_keys)
        opened = await sessions.sign_in(accounts, sealing_keys, alice, PASSWORD, now=now())
        async with Revocations(accounts) as revocations:
            await revocations.wait_until_caught_up()
            assert not revocations.is_revoked(opened.session_id)

            await sessions.sign_out(
                accounts, sealing_keys, alice, opened.tokens.access_token, now=now()
            )

            await until_revoked(revocations, opened.session_id)

    async def test_of_before_are_known_to_who_starts_later(
        self,
        accounts: AccountsClient,
        sealing_keys: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(following, "ASK_ENDS_S", 0.0)
        alice = await a_user(accounts, sealing_keys)
        opened = await sessions.sign_in(accounts, sealing_keys, alice, PASSWORD, now=now())
        await sessions.sign_out(
            accounts, sealing_keys, alice, opened.tokens.access_token, now=now()
        )

        async with Revocations(accounts) as revocations:
            await revocations.wait_until_caught_up()

            assert revocations.is_current
            assert revocations.is_revoked(opened.session_id)

    async def test_are_followed_one_by_one(
        self, accounts: AccountsClient, sealing_keys: dict[str, Any]
    ) -> None:
        alice = await a_user(accounts, sealing_keys)
        opened = await sessions.sign_in(accounts, sealing_keys, alice, PASSWORD, now=now())
        await sessions.sign_out(
            accounts, sealing_keys, alice, opened.tokens.access_token, now=now()
        )

        reasons: dict[str, str] = {}
        async with asyncio.timeout(30):
            async for revoked in accounts.follow_revocations():
                reasons[revoked.message.session_id] = revoked.message.reason
                if opened.session_id in reasons:
                    break

        assert reasons[opened.session_id] == "logout"


class TestAsk:
    async def test_tells_two_contents_under_one_id_apart(
        self, accounts: AccountsClient, sealing_keys: dict[str, Any]
    ) -> None:
        alice, command_id = await a_user(accounts, sealing_keys), uuid4().hex
        deposits = [
            Deposit(command_id=command_id, username=alice, amount=amount, currency="USD")
            for amount in ("5.00", "7.00", "5.00", "7.00")
        ]

        results = await asyncio.gather(*(accounts.ask(each) for each in deposits))

        told = {deposit.amount: set[str]() for deposit in deposits}
        for deposit, result in zip(deposits, results, strict=True):
            moved = result.entry.moved[0].amount if result.entry else None
            said = moved or (result.error and result.error.code)
            told[deposit.amount].add(str(said))
        assert told in (
            {"5.00": {"5.00"}, "7.00": {"command_id_conflict"}},
            {"5.00": {"command_id_conflict"}, "7.00": {"7.00"}},
        )
        first = next(each for each in deposits if told[each.amount] == {each.amount})
        assert (await accounts.ask(first)).duplicate


class TestFollowResults:
    async def test_passes_over_the_replies_beside_them(
        self, service: RunningService, sealing_keys: dict[str, Any]
    ) -> None:
        async with AccountsClient(service.addresses.kafka, topic_prefix=service.prefix) as accounts:
            alice = await a_user(accounts, sealing_keys)
            await accounts.request(GetBalance(request_id=uuid4().hex, username=alice))
            last = Deposit(command_id="last", username=alice, amount="1", currency="USD")
            await accounts.ask(last)

            types: list[str] = []
            async with asyncio.timeout(30):
                async for result in accounts.follow_results("beginning"):
                    types.append(result.message.type)
                    if result.message.command_id == "last":
                        break

        assert "get-balance" not in types


async def until_revoked(revocations: Revocations, session_id: str) -> None:
    async with asyncio.timeout(at_this_speed(REVOKED_WITHIN_S)):
        while not revocations.is_revoked(session_id):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)


class TestPartitions:
    async def test_that_are_added_are_read_from_their_beginning(
        self, service: RunningService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "LOOK_S", 0.1)
        topic = await service.add_reply_topic("grows")
        kafka = Kafka(service.addresses.kafka, {})
        async with reading.open_reader(kafka, [topic], "end") as one:
            async with kafka_admin(service.settings) as admin:
                await admin.create_partitions({topic: NewPartitions(2)})
            async with open_producer(service) as producer:
                for number in range(6):
                    value = str(number).encode()
                    await producer.send_and_wait(topic, value, partition=number % 2)

            found: dict[int, list[bytes | None]] = {0: [], 1: []}
            async with asyncio.timeout(30):
                while sum(map(len, found.values())) < 6:
                    for record in await one.poll():
                        found[record.partition].append(record.value)

            assert found == {0: [b"0", b"2", b"4"], 1: [b"1", b"3", b"5"]}
            assert await one.positions() == {
                TopicPartition(topic, 0): 3,
                TopicPartition(topic, 1): 3,
            }
