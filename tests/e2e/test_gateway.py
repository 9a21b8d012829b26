"""The example gateway on the real service: a visitor's story, over HTTP."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from contracts.topics import AUDIT_EVENTS
from tests.e2e.caller import Caller
from tests.e2e.gateway_process import GatewayProcess, Visitor, a_gateway
from tests.e2e.running import RunningService
from tests.e2e.signing import guessed_all_day
from tests.openid.provider import API, OpenIdProvider
from tests.speed import at_this_speed

REVOKED_MAX_S = 1.0
"""What is promised: a gateway refuses an ended session within a second."""
DEPOSIT = {"amount": "100.00", "currency": "USD"}


@pytest.fixture(scope="module")
def gateway(service: RunningService) -> Iterator[GatewayProcess]:
    with a_gateway(service, service.workers[0]) as gateway:
        yield gateway


@pytest.fixture
def visitor(gateway: GatewayProcess) -> Visitor:
    """Return somebody who has an account and is signed in."""
    visitor = Visitor(gateway.client)
    registered = visitor.register()
    assert registered.status_code == 201, registered.text
    signed_in = visitor.login()
    assert signed_in.status_code == 200, signed_in.text
    return visitor


def posted(visitor: Visitor) -> str:
    return visitor.call("GET", "/balance").json()["balances"]["USD"]["posted"]


def test_an_account_is_opened_once_however_often_it_is_asked_for(gateway: GatewayProcess) -> None:
    visitor, key = Visitor(gateway.client), uuid4().hex

    first, again = visitor.register(key), visitor.register(key)
    another = visitor.register()

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "duplicate": True}
    assert (another.status_code, another.json()["code"]) == (409, "username_taken")


def test_money_moves_once_per_key(visitor: Visitor) -> None:
    key = uuid4().hex

    first = visitor.call("POST", "/balance/deposit", DEPOSIT, key)
    again = visitor.call("POST", "/balance/deposit", DEPOSIT, key)
    other = visitor.call("POST", "/balance/deposit", {**DEPOSIT, "amount": "1"}, key)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == {**first.json(), "duplicate": True}
    assert (other.status_code, other.json()["code"]) == (422, "command_id_conflict")
    assert posted(visitor) == "100.00"


def test_a_withdrawal_needs_the_money(visitor: Visitor) -> None:
    visitor.call("POST", "/balance/deposit", DEPOSIT)

    taken = visitor.call("POST", "/balance/withdraw", {"amount": "60.00", "currency": "USD"})
    refused = visitor.call("POST", "/balance/withdraw", {"amount": "60.00", "currency": "USD"})

    assert taken.json()["entry"]["balances"]["USD"]["posted"] == "40.00"
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
    assert posted(visitor) == "40.00"


def test_history_comes_in_pages(visitor: Visitor) -> None:
    began = datetime.now(tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for _ in range(3):
        visitor.call("POST", "/balance/deposit", DEPOSIT)

    first = visitor.call("GET", "/balance/transactions?limit=2&order=oldest").json()
    cursor = first["next_cursor"]
    second = visitor.call(
        "GET", f"/balance/transactions?limit=2&order=oldest&cursor={cursor}"
    ).json()
    earlier = visitor.call("GET", f"/balance/transactions?to={began}").json()

    sequences = [one["sequence"] for one in [*first["transactions"], *second["transactions"]]]
    assert sequences == [1, 2, 3]
    assert earlier["transactions"] == []


def test_what_became_of_a_command_can_be_asked(visitor: Visitor) -> None:
    key = uuid4().hex
    result = visitor.call("POST", "/balance/deposit", DEPOSIT, key).json()

    outcome = visitor.call("GET", f"/outcomes/gateway:{key}").json()
    unknown = visitor.call("GET", f"/outcomes/{uuid4().hex}")

    assert outcome["state"] == "decided"
    assert outcome["result"]["entry"] == result["entry"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_command")


def test_a_profile_is_shown_and_changed(visitor: Visitor) -> None:
    changed = visitor.call("PATCH", "/auth/profile", {"first_name": "Veronica", "phone": None})

    profile = visitor.call("GET", "/auth/profile").json()

    assert changed.status_code == 200, changed.text
    assert (profile["first_name"], profile["last_name"]) == ("Veronica", "Visitor")
    assert profile["status"] == "active"


def test_a_changed_password_is_the_only_one(visitor: Visitor) -> None:
    old, new = visitor.password, "another long sentence"

    short = visitor.call("PUT", "/auth/password", {"password": old, "new_password": "short"})
    changed = visitor.call("PUT", "/auth/password", {"password": old, "new_password": new})
    visitor.password = new
    signed_in = visitor.login()
    wrong = visitor.call("PUT", "/auth/password", {"password": old, "new_password": new})

    assert (short.status_code, short.json()["code"]) == (422, "password_too_short")
    assert changed.status_code == 200, changed.text
    assert signed_in.status_code == 200, signed_in.text
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")


def test_a_changed_password_ends_the_other_sessions(visitor: Visitor) -> None:
    other = Visitor(visitor.client, visitor.username)
    other.login()
    body = {"password": visitor.password, "new_password": "another long sentence"}

    changed = visitor.call("PUT", "/auth/password", body)

    began_s = time.monotonic()
    assert changed.json() == {"sessions_ended": 1}
    bound_s = at_this_speed(REVOKED_MAX_S)
    assert other.refused_after_s(began_s, bound_s) <= bound_s
    assert visitor.refresh().status_code == 200, "its own session goes on"
    assert visitor.call("GET", "/balance").status_code == 200


def test_a_refresh_token_is_good_once(visitor: Visitor) -> None:
    spent = dict(visitor.tokens)

    assert visitor.refresh().status_code == 200
    assert visitor.call("GET", "/balance").status_code == 200
    visitor.tokens["refresh_token"] = spent["refresh_token"]
    again = visitor.refresh()

    assert (again.status_code, again.json()["code"]) == (409, "token_superseded")


def test_a_session_that_ended_is_refused_within_a_second(visitor: Visitor) -> None:
    ended = visitor.call("POST", "/auth/logout")

    took_s = visitor.refused_after_s(time.monotonic(), at_this_speed(REVOKED_MAX_S))

    assert (ended.status_code, ended.json()) == (200, {"sessions_ended": 1})
    assert took_s <= at_this_speed(REVOKED_MAX_S)
    refreshed = visitor.refresh()
    assert (refreshed.status_code, refreshed.json()["code"]) == (401, "session_ended")


def test_guessing_is_slowed_down(gateway: GatewayProcess) -> None:
    visitor = Visitor(gateway.client)
    visitor.register()
    visitor.password = "wrong one"

    answers = [visitor.login() for _ in range(3)]

    slowed = answers[-1]
    assert {one.json()["code"] for one in answers} == {"invalid_credentials", "too_many_attempts"}
    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) >= 1


def test_a_browser_that_is_known_signs_in_while_strangers_guess(
    service: RunningService, visitor: Visitor
) -> None:
    cookie = visitor.login().headers["Set-Cookie"].partition(";")[0]
    guessed_all_day(service, visitor.username)
    body = {"username": visitor.username, "password": visitor.password}

    unknown = visitor.client.post("/auth/login", json=body)
    known = visitor.client.post("/auth/login", json=body, headers={"Cookie": cookie})

    assert (unknown.status_code, unknown.json()["code"]) == (429, "too_many_attempts")
    assert int(unknown.headers["Retry-After"]) > 60
    assert known.status_code == 200, known.text


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("trusted", "source"), [("", "127.0.0.1"), ("127.0.0.1", "203.0.113.9")])
async def test_an_address_is_taken_from_nobody_but_a_trusted_proxy(
    service: RunningService, caller: Caller, trusted: str, source: str
) -> None:
    """Else who guesses passwords could have a new address for every guess."""
    with a_gateway(service, service.workers[0], trusted_proxies=trusted) as gateway:
        visitor = Visitor(gateway.client)
        headers = {"X-Forwarded-For": "203.0.113.9"}
        body = {"username": visitor.username, "password": "wrong one"}
        gateway.client.post("/auth/login", json=body, headers=headers)

    events = await caller.inbox.some(AUDIT_EVENTS, visitor.username)

    assert [one.body["source"] for one in events] == [source]


def test_users_of_another_issuer_have_their_accounts_under_its_names(
    service: RunningService, provider: OpenIdProvider
) -> None:
    users = [f"auth0|{uuid4().hex[:24]}", str(uuid4()), f"{uuid4().hex[:12]}@Example.com"]
    issuer = {"issuer": provider.issuer, "audience": API}

    with a_gateway(service, service.workers[0], **issuer) as gateway:
        for user in users:
            given = provider.sign_in(user)
            visitor = Visitor(gateway.client, tokens={"access_token": given.access_token})
            early = visitor.call("POST", "/balance/deposit", DEPOSIT)
            opened, again = (visitor.call("PUT", "/account") for _ in range(2))
            visitor.call("POST", "/balance/deposit", DEPOSIT)

            assert (early.status_code, early.json()["code"]) == (404, "unknown_account")
            assert (opened.status_code, again.status_code) == (201, 200), opened.text
            assert visitor.call("GET", "/balance").json()["username"] == user
            assert posted(visitor) == "100.00"
            refused = visitor.client.get(
                "/balance", headers={"Authorization": f"Bearer {given.id_token}"}
            )
            assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
            assert given.access_token not in gateway.log()

        assert "a token is not taken: its `aud` does not have" in gateway.log()


def test_no_secret_stands_in_its_log(gateway: GatewayProcess, visitor: Visitor) -> None:
    visitor.call("POST", "/auth/logout")

    log = gateway.log()

    assert "POST /auth/login" in log
    for secret in (visitor.password, *map(str, visitor.tokens.values())):
        assert len(secret) < 10 or secret not in log
