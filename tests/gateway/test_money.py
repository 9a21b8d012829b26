"""Profile, balance, movements, history and outcomes through the gateway."""

from datetime import UTC, date, datetime

import pytest
from httpx2 import Headers

from client.errors import NotAcknowledgedError
from contracts.ledger import Deposit
from contracts.profile import UpdateProfile
from contracts.queries import ListTransactions
from tests.gateway.gateway_in_memory import DEPOSIT, GatewayInMemory, problem


@pytest.fixture
def signed_in(in_memory: GatewayInMemory) -> GatewayInMemory:
    in_memory.sign_in()
    return in_memory


class TestProfile:
    def test_is_shown(self, signed_in: GatewayInMemory) -> None:
        response = signed_in.get("/auth/profile")

        assert response.status_code == 200
        assert response.json()["email"] == "alice@example.com"
        assert "phone" not in response.json()

    def test_is_changed_where_named(self, signed_in: GatewayInMemory) -> None:
        body = {"first_name": "Al", "date_of_birth": "1990-02-03", "phone": None}

        response = signed_in.patch("/auth/profile", body, key="key-1")

        command = signed_in.fake.asked[-1]
        assert (response.status_code, response.json()["command_id"]) == (200, "gateway:key-1")
        assert isinstance(command, UpdateProfile)
        assert command.changes() == {
            "date_of_birth": date(1990, 2, 3),
            "first_name": "Al",
            "phone": None,
        }

    def test_must_change_something(self, signed_in: GatewayInMemory) -> None:
        assert problem(signed_in.patch("/auth/profile", {})) == (422, "invalid_request")


class TestMovements:
    def test_change_the_balance(self, signed_in: GatewayInMemory) -> None:
        put_in = signed_in.post("/balance/deposit", DEPOSIT, key="key-1")
        taken = signed_in.post("/balance/withdraw", {"amount": "0.50", "currency": "USD"})

        assert put_in.status_code == taken.status_code == 200
        assert put_in.headers["Idempotency-Key"] == "key-1"
        assert put_in.json()["command_id"] == "gateway:key-1"
        assert taken.json()["entry"]["balances"]["USD"]["posted"] == "10.00"
        assert signed_in.get("/balance").json()["balances"] == {
            "USD": {"posted": "10.00", "held": "0.00", "overdraft": "0", "available": "10.00"}
        }

    def test_have_their_effect_once(self, signed_in: GatewayInMemory) -> None:
        first = signed_in.post("/balance/deposit", DEPOSIT, key="key-1")
        again = signed_in.post("/balance/deposit", DEPOSIT, key="key-1")

        assert again.json() == {**first.json(), "duplicate": True}
        assert signed_in.get("/balance").json()["balances"]["USD"]["posted"] == "10.50"

    def test_refuse_a_key_used_for_something_else(self, signed_in: GatewayInMemory) -> None:
        signed_in.post("/balance/deposit", DEPOSIT, key="key-1")

        response = signed_in.post("/balance/deposit", {**DEPOSIT, "amount": "1"}, key="key-1")

        assert problem(response) == (422, "command_id_conflict")
        assert response.headers["Idempotency-Key"] == "key-1"
        assert response.json()["command_id"] == "gateway:key-1"

    def test_are_refused_with_the_same_code(self, signed_in: GatewayInMemory) -> None:
        response = signed_in.post("/balance/withdraw", DEPOSIT)

        assert problem(response) == (409, "insufficient_funds")
        assert response.json()["type"] == "/accounts/errors#insufficient_funds"

    @pytest.mark.parametrize(
        "body",
        [
            {"amount": 10.5, "currency": "USD"},
            {"amount": "-1", "currency": "USD"},
            {"amount": "1e3", "currency": "USD"},
            {"amount": "1", "currency": "usd"},
            {"amount": "1", "currency": {"$ne": "USD"}},
            {"amount": "1"},
            {"amount": "1", "currency": "USD", "username": "bob"},
            {"amount": "1", "currency": "USD", "metadata": {"a": "x" * 3000}},
            [],
            "text",
        ],
    )
    def test_are_read_strictly(self, signed_in: GatewayInMemory, body: object) -> None:
        before = len(signed_in.fake.asked)

        response = signed_in.client.post("/balance/deposit", json=body, headers=signed_in.headers)

        assert problem(response) == (422, "invalid_request")
        assert len(signed_in.fake.asked) == before

    def test_carry_all_that_the_contract_has(self, signed_in: GatewayInMemory) -> None:
        more = {
            "expires_at": "2030-01-01T13:00:00+01:00",
            "metadata": {"order": "7"},
            "reason": "pay day",
            "related_id": "order-7",
        }

        signed_in.post("/balance/deposit", {**DEPOSIT, **more}, key="key-1")

        assert signed_in.fake.asked[-1] == Deposit(
            command_id="gateway:key-1",
            username="alice",
            amount="10.50",
            currency="USD",
            expires_at=datetime(2030, 1, 1, 12, tzinfo=UTC),
            metadata={"order": "7"},
            reason="pay day",
            related_id="order-7",
        )
        assert signed_in.fake.added[-1].get("actor") == "alice"

    @pytest.mark.parametrize("key", ["a", "x" * 100, "order:9", "gateway:a", None])
    def test_are_repeated_under_the_key_that_the_answer_names(
        self, signed_in: GatewayInMemory, key: str | None
    ) -> None:
        first = signed_in.post("/balance/deposit", DEPOSIT, key=key)
        again = signed_in.post("/balance/deposit", DEPOSIT, key=first.headers["Idempotency-Key"])

        assert key in {first.headers["Idempotency-Key"], None}
        assert again.json() == {**first.json(), "duplicate": True}

    @pytest.mark.parametrize("key", ["..", "a/b", "a b", "x" * 101, "é", ""])
    def test_refuse_a_key_that_is_no_plain_id(self, signed_in: GatewayInMemory, key: str) -> None:
        headers = Headers({**signed_in.headers, "Idempotency-Key": key}, encoding="latin-1")

        response = signed_in.client.post("/balance/deposit", json=DEPOSIT, headers=headers)

        assert problem(response) == (422, "invalid_request")
        assert response.json()["errors"][0]["field"] == "Idempotency-Key"


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class TestTheTrace:
    def test_goes_on_in_the_service(self, signed_in: GatewayInMemory) -> None:
        headers = {**signed_in.headers, "traceparent": TRACE}

        signed_in.client.get("/balance", headers=headers)
        signed_in.client.post("/balance/deposit", json=DEPOSIT, headers=headers)

        assert [one.get("traceparent") for one in signed_in.fake.added[-2:]] == [TRACE, TRACE]

    @pytest.mark.parametrize(
        "broken",
        [
            *("", "00-1-2-01", TRACE.upper(), f"{TRACE}-0"),
            "00-" + "0" * 32 + TRACE[35:],
            TRACE[:36] + "0" * 16 + "-01",
            "ff" + TRACE[2:],
        ],
    )
    def test_is_left_out_where_it_is_none(self, signed_in: GatewayInMemory, broken: str) -> None:
        headers = {**signed_in.headers, "traceparent": broken}

        response = signed_in.client.get("/balance", headers=headers)

        assert response.status_code == 200
        assert signed_in.fake.added[-1].get("traceparent") is None


class TestNoAnswerInTime:
    def test_says_where_to_ask_what_became_of_it(self, signed_in: GatewayInMemory) -> None:
        signed_in.fake.silent = 1

        response = signed_in.post("/balance/deposit", DEPOSIT, key="key-1")

        assert response.status_code == 202
        assert (
            response.headers["Location"] == response.json()["outcome"] == "/outcomes/gateway:key-1"
        )
        assert response.headers["Idempotency-Key"] == "key-1"
        outcome = signed_in.get(response.headers["Location"]).json()
        assert outcome["state"] == "decided"
        assert outcome["result"]["entry"]["balances"]["USD"]["posted"] == "10.50"

    def test_is_the_same_where_kafka_did_not_acknowledge(self, signed_in: GatewayInMemory) -> None:
        command = Deposit(command_id="1", username="alice", amount="1", currency="USD")
        signed_in.fake.fails = NotAcknowledgedError(command, "no acknowledgement")

        response = signed_in.post("/balance/deposit", DEPOSIT)

        key = response.headers["Idempotency-Key"]
        assert response.status_code == 202
        assert response.headers["Location"] == f"/outcomes/gateway:{key}"

    def test_is_a_time_out_for_a_question(self, signed_in: GatewayInMemory) -> None:
        signed_in.fake.silent = 1

        assert problem(signed_in.get("/balance")) == (504, "no_answer")


class TestOutcome:
    def test_is_unknown_before_it_is_decided(self, signed_in: GatewayInMemory) -> None:
        assert problem(signed_in.get("/outcomes/key-9")) == (404, "unknown_command")

    def test_is_found_whatever_its_id_looks_like(self, signed_in: GatewayInMemory) -> None:
        fake = signed_in.fake
        signed_in.post("/balance/deposit", DEPOSIT, key="key-1")
        fake.outcomes["alice", "order/7 ?#"] = fake.outcomes["alice", "gateway:key-1"]

        assert signed_in.get("/outcomes/order%2F7%20%3F%23").status_code == 200


class TestTransactions:
    def test_come_in_pages(self, signed_in: GatewayInMemory) -> None:
        for key in ("a", "b", "c"):
            signed_in.post("/balance/deposit", DEPOSIT, key=key)

        first = signed_in.get("/balance/transactions", limit=2).json()
        second = signed_in.get("/balance/transactions", limit=2, cursor=first["next_cursor"]).json()

        assert [one["command_id"] for one in first["transactions"]] == ["gateway:c", "gateway:b"]
        assert [one["command_id"] for one in second["transactions"]] == ["gateway:a"]
        assert "next_cursor" not in second

    def test_are_asked_for_with_every_filter(self, signed_in: GatewayInMemory) -> None:
        said = {
            "currency": "USD",
            "kind": "deposited",
            "from": "2030-01-01T00:00:00Z",
            "to": "2030-01-02T00:00:00Z",
            "limit": "7",
            "order": "oldest",
        }

        response = signed_in.get("/balance/transactions", **said)

        request = signed_in.fake.asked[-1]
        assert response.status_code == 200
        assert isinstance(request, ListTransactions)
        assert request.model_dump(exclude={"request_id"}) == {
            "username": "alice",
            "currency": "USD",
            "kind": "deposited",
            "from_": datetime(2030, 1, 1, tzinfo=UTC),
            "to": datetime(2030, 1, 2, tzinfo=UTC),
            "limit": 7,
            "cursor": None,
            "order": "oldest",
        }

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("limit", "0"),
            ("limit", "201"),
            ("limit", "x"),
            ("from", "2030-01-01"),
            ("order", "any"),
            ("kind", "held"),
            ("currency", "$ne"),
            ("cursor", ""),
        ],
    )
    def test_refuse_a_filter_that_is_none(
        self, signed_in: GatewayInMemory, name: str, value: str
    ) -> None:
        response = signed_in.get("/balance/transactions", **{name: value})

        assert problem(response) == (422, "invalid_request")
        assert response.json()["errors"][0]["field"] == name
