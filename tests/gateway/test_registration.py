"""A registration that gets no answer, or whose password was sealed to a key that is gone."""

import pytest

from contracts.registration import Register
from examples.gateway.key_set import REFETCH_S
from tests.gateway.gateway_in_memory import ALICE, DEPOSIT, GatewayInMemory, problem
from tests.gateway.service_keys import ServiceKeys


def registrations(rig: GatewayInMemory) -> list[str]:
    """Return the command ids of all that was sent."""
    return [one.command_id for one in rig.fake.asked if isinstance(one, Register)]


class TestNoAnswerInTime:
    def test_names_no_link_that_needs_a_token(self, rig: GatewayInMemory) -> None:
        rig.fake.silent = 1

        response = rig.post("/auth/register", ALICE, key="key-1")

        assert response.status_code == 202
        assert "Location" not in response.headers
        assert "outcome" not in response.json()
        assert "Send the same again with the same Idempotency-Key" in response.json()["detail"]

    @pytest.mark.parametrize("key", ["key-1", None])
    def test_is_overcome_by_sending_the_same_again(
        self, rig: GatewayInMemory, key: str | None
    ) -> None:
        rig.fake.silent = 1
        late = rig.post("/auth/register", ALICE, key=key)

        again = rig.post("/auth/register", ALICE, key=late.headers["Idempotency-Key"])

        assert (again.status_code, again.json()["duplicate"]) == (201, True)


class TestAKeyThatIsGone:
    @pytest.fixture(autouse=True)
    def gone(self, rig: GatewayInMemory) -> None:
        """Let the gateway know the keys, then change them."""
        rig.sign_in()
        rig.fake.accounts.clear()
        rig.fake.asked.clear()
        rig.headers = {}
        rig.fake.keys = ServiceKeys("2")
        rig.sidecar.at_s += REFETCH_S

    def test_costs_a_caller_without_a_key_nothing(self, rig: GatewayInMemory) -> None:
        response = rig.register()

        first, second = registrations(rig)
        assert response.status_code == 201
        assert first != second == response.json()["command_id"]

    def test_is_tried_once_more_and_no_oftener(self, rig: GatewayInMemory) -> None:
        rig.sidecar.away = True

        assert problem(rig.register()) == (409, "seal_invalid")
        assert len(registrations(rig)) == 2

    def test_uses_up_a_key_and_says_so(self, rig: GatewayInMemory) -> None:
        refused = rig.post("/auth/register", ALICE, key="key-1")
        again = rig.post("/auth/register", ALICE, key="key-1")
        another = rig.post("/auth/register", ALICE, key="key-2")

        assert problem(refused) == problem(again) == (409, "seal_invalid")
        assert "Idempotency-Key is used up" in refused.json()["detail"]
        assert "Retry-After" not in refused.headers
        assert another.status_code == 201

    def test_is_no_outcome_of_a_sign_in(self, rig: GatewayInMemory) -> None:
        assert problem(rig.login()) == (503, "seal_invalid")
        assert problem(rig.login()) == (401, "invalid_credentials")


def test_times_have_milliseconds_as_in_the_contract(rig: GatewayInMemory) -> None:
    rig.sign_in()
    rig.patch("/auth/profile", {"date_of_birth": "1990-02-03"})
    result = rig.post("/balance/deposit", DEPOSIT, key="key-1").json()
    profile = rig.get("/auth/profile").json()
    (transaction,) = rig.get("/balance/transactions").json()["transactions"]

    assert result["decided_at"] == "2030-01-01T12:00:00.000Z"
    assert rig.get("/balance").json()["changed_at"] == "2030-01-01T12:00:00.000Z"
    assert transaction["occurred_at"] == "2030-01-01T12:00:00.000Z"
    assert rig.get("/outcomes/gateway:key-1").json()["result"]["decided_at"] == result["decided_at"]
    assert profile["opened_at"] == "2030-01-01T12:00:00.000Z"
    assert profile["date_of_birth"] == "1990-02-03"
