"""What the fake service knows before a test begins."""

from contracts.registration import Register
from tests.gateway.fake_identity import Account


def an_account() -> Account:
    """Return alice's account."""
    register = Register(
        command_id="1",
        username="alice",
        email="alice@example.com",
        first_name="Alice",
        last_name="Liddell",
        sealed_password="a..b.c.d",
    )
    return Account(register, "correct horse battery staple")
