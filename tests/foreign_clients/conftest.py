"""The service that the foreign clients talk to."""

from tests.e2e.conftest import installed, pytest_collection_modifyitems, service

__all__ = ["installed", "pytest_collection_modifyitems", "service"]
