"""What can go wrong with a store, as whoever uses it tells it apart."""

from handlers.model.corrupt import CorruptDocument


class LostRaceError(Exception):
    """Another writer got there first; gather again and decide again."""


class CommitUnknownError(Exception):
    """Nobody can say whether the commit happened; take a new writer name, then gather again."""


class StoreUnavailableError(Exception):
    """The store does not answer; wait and try again. Says which store and what to check."""


class NotMeasuredError(StoreUnavailableError):
    """All of it as of one moment could not be read while the store kept that moment."""


class CorruptDocumentError(Exception):
    """What was asked for is stored, but cannot be understood. Names the document, not its content."""

    def __init__(self, document: CorruptDocument) -> None:
        super().__init__(str(document))
        self.document = document


class StoreCheckError(Exception):
    """A store is not set up as it has to be. One line that says what to do."""


class NewerDataError(StoreCheckError):
    """What is stored may say what this release does not know. Nothing may be decided on it."""
