"""The one exception of the dev stack."""


class DevStackError(Exception):
    """Say in one line why the local servers cannot run here, and what to do about it."""
