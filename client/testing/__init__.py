"""The service in memory, for the tests of programs that use the client: no network, no servers."""

from client.testing.fake_accounts import FakeAccounts, SyncFakeAccounts

__all__ = ["FakeAccounts", "SyncFakeAccounts"]
