"""What ledger workers of releases that may run side by side have in common in their consumer group."""

from aiokafka.coordinator.assignors.range import RangePartitionAssignor


class LedgerAssignor(RangePartitionAssignor):
    """Partitions as `range` gives them out, under a name of its own.

    Kafka admits nobody to a group who shares no such name with its members. So a release that writes
    accounts in a way that the one before would undo takes the next number: the one before, whose
    name is `range`, drops `books` from what it writes.
    """

    name = "accounts-2"
