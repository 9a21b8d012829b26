"""A stored document that cannot be understood: a value, so that it costs its own user only."""

import msgspec

SCHEMA_FIELD = "schema"
"""The field of a document that says its schema number (`handlers.model.schema`)."""


class CorruptDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which document, and where in it. Never what stands there: it may be personal or secret."""

    collection: str
    """Such as `accounts` or `outcomes`."""
    id: str
    """The document's own."""
    username: str
    """Whose it is, as far as that can be told."""
    field: str
    """Path of the first field found wrong or missing, such as `balances.0.posted_minor`."""

    @property
    def is_newer(self) -> bool:
        """Whether it bears a schema number that this release does not know: damaged, or ahead of it."""
        return self.field == SCHEMA_FIELD

    def __str__(self) -> str:
        """Say which document and field, without their content."""
        return f"{self.collection} {self.id}: {self.field} is missing or wrong"
