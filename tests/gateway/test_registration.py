"""A registration that gets no answer, or whose password was sealed to a key that is gone."""

import pytest

from contracts.registration import Register
from examples.gateway.key_set import REFETCH_S
from tests.gateway.gateway_in_memory import ALICE, DEPOSIT, GatewayInMemory, problem
from tests.gateway.service_keys import ServiceKeys


def registrations(in_memory: GatewayInMemory) -> list[str]:
    """Return the command ids of all that was sent."""
    return [one.command_id for one in in_memory.fake.asked if isinstance(one, Register)]


class TestNoAnswerInTime:
    def test_names_no_link_that_needs_a_token(self, in_memory: GatewayInMemory) -> None:
        in_memory.fake.silent = 1

        response = in_memory.post("/auth/register", ALICE, key="key-1")

        assert response.status_code == 202
        assert "Location" not in response.headers
        assert "outcome" not in response.json()
        assert "Send the same again with the same Idempotency-Key" in response.json()["detail"]

    @pytest.mark.parametrize("key", ["key-1", None])
    def test_is_overcome_by_sending_the_same_again(
        self, in_memory: GatewayInMemory, key: str | None
    ) -> None:
        in_memory.fake.silent = 1
        late = in_memory.post("/auth/register", ALICE, key=key)

        again = in_memory.post("/auth/register", ALICE, key=late.headers["Idempotency-Key"])

        assert (again.status_code, again.json()["duplicate"]) == (201, True)


class TestAKeyThatIsGone:
    @pytest.fixture(autouse=True)
    def gone(self, in_memory: GatewayInMemory) -> None:
        """Let the gateway know the keys, then change them."""
        in_memory.sign_in()
        in_memory.fake.accounts.clear()
        in_memory.fake.asked.clear()
        in_memory.headers = {}
        in_memory.fake.keys = ServiceKeys("2")
        in_memory.sidecar.at_s += REFETCH_S

    def test_costs_a_caller_without_a_key_nothing(self, in_memory: GatewayInMemory) -> None:
        response = in_memory.register()

        first, second = registrations(in_memory)
        assert response.status_code == 201
        assert first != second == response.json()["command_id"]

    def test_is_tried_once_more_and_no_oftener(self, in_memory: GatewayInMemory) -> None:
        in_memory.sidecar.away = True

        assert problem(in_memory.register()) == (409, "seal_invalid")
        assert len(registrations(in_memory)) == 2

    def test_uses_up_a_key_and_says_so(self, in_memory: GatewayInMemory) -> None:
        refused = in_memory.post("/auth/register", ALICE, key="key-1")
        again = in_memory.post("/auth/register", ALICE, key="key-1")
        another = in_memory.post("/auth/register", ALICE, key="key-2")

        assert problem(refused) == problem(again) == (409, "seal_invalid")
        assert "Idempotency-Key is used up" in refused.json()["detail"]
        assert "Retry-After" not in refused.headers
        assert another.status_code == 201

    def test_is_no_outcome_of_a_sign_in(self, in_memory: GatewayInMemory) -> None:
        assert problem(in_memory.login()) == (503, "seal_invalid")
        assert problem(in_memory.login()) == (401, "invalid_credentials")


def test_times_have_milliseconds_as_in_the_contract(in_memory: GatewayInMemory) -> None:
    in_memory.sign_in()
    in_memory.patch("/auth/profile", {"date_of_birth": "1990-02-03"})
    result = in_memory.post("/balance/deposit", DEPOSIT, key="key-1").json()
    profile = in_memory.get("/auth/profile").json()
    (transaction,) = in_memory.get("/balance/transactions").json()["transactions"]

    assert result["decided_at"] == "2030-01-01T12:00:00.000Z"
    assert in_memory.get("/balance").json()["changed_at"] == "2030-01-01T12:00:00.000Z"
    assert transaction["occurred_at"] == "2030-01-01T12:00:00.000Z"
    assert (
        in_memory.get("/outcomes/gateway:key-1").json()["result"]["decided_at"]
        == result["decided_at"]
    )
    assert profile["opened_at"] == "2030-01-01T12:00:00.000Z"
    assert profile["date_of_birth"] == "1990-02-03"
