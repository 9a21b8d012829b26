"""The service that the end-to-end tests talk to, for a client that is installed alone."""

from tests.e2e.conftest import caller, installed, pytest_collection_modifyitems, service

__all__ = ["caller", "installed", "pytest_collection_modifyitems", "service"]
