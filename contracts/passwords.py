"""Changing a password."""

from contracts.registration import Sealed
from contracts.request import Request
from contracts.sessions import Source


class ChangePassword(Request):
    """Set a new password; every other session of the user ends."""

    sealed_access_token: Sealed
    sealed_password: Sealed
    sealed_new_password: Sealed
    source: Source | None = None
