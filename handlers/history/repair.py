"""What is recorded of a repair."""

from handlers.history.operating import Operation
from handlers.model.unpublished import EntryRange


class Repair(Operation, frozen=True, kw_only=True, gc=False):
    """One repair of one account; its id is also the writer whose mark the account bears afterwards."""

    action: str = "repair"
    published: EntryRange | None = None
    """Whose events were published once more, perhaps after later ones."""
