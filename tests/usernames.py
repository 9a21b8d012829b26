"""Names of accounts as other systems give them, for tests of whatever handles a name."""

from hypothesis import strategies as st

from contracts.message import USERNAME_PATTERN

USERNAMES = st.from_regex(USERNAME_PATTERN[:-1] + r"\Z")

ODD_NAMES = (
    *("auth0|5f7c8ec7c33c6c004bbafe82", "8e1a52f3-0a1c-5b6e-9c4d-7f2b3a4c5d6e", "Alice", "alice"),
    *("a.b+tag@Example.com", "a$where", "a.$ne", "0.a.b", "a%2e%00", "a{$gt}", "a*", "a~"),
    *("a[b-z]", "a;", "a;b", "a.*", "a^$", "a(b)?", "a=b&c#d", "a<b>!", "a]^_", "a-", "7"),
    "a" * 128,
)
"""Each means something to a field of MongoDB, a pattern, an address, a shell or a table."""
