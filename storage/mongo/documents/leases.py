"""The number that a lease was given out with, as MongoDB gives it back."""

from collections.abc import Mapping
from typing import Any

import msgspec

from storage.mongo.documents.stored import Version, shaped


class _StoredLease(msgspec.Struct, frozen=True, gc=False):
    fencing_token: Version


def to_fencing_token(document: Mapping[str, Any]) -> int:
    """Return the number that the lease of this document was given out with last.

    Raises:
        CorruptDocumentError: It is none.
    """
    return shaped(document, _StoredLease, "leases").fencing_token
