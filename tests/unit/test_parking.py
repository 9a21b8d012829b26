"""What is not read while too many commands wait (P10, P11)."""

from handlers.reading import PartitionReading, Place, Reading
from tests.received import PREFIX, SKEW_MS, TOPICS, a_withdrawal, received
from workers.ledger.parking import ParkingLot

REGISTER, DEPOSIT, WITHDRAW = (
    f"{PREFIX}commands.{name}" for name in ("register", "deposit", "withdraw")
)


def paused(**cursors: PartitionReading) -> set[Place]:
    """Return what is paused while three withdrawals wait for everything up to offset 100."""
    ours = {(topic, 0): PartitionReading(cursor=100, last_timestamp_ms=9000) for topic in TOPICS}
    ours |= {(f"{PREFIX}commands.{name}", 0): each for name, each in cursors.items()}
    lot = ParkingLot()
    waiting = [received(a_withdrawal(), offset=offset, at_ms=9000) for offset in range(3)]
    ends = dict.fromkeys(TOPICS, 100)
    lot.park(waiting, Reading(topics=TOPICS, clock_skew_ms=SKEW_MS, ours=ours, asked={0: ends}))
    return lot.ahead(ours, records_max=2)


def test_what_is_furthest_behind_is_read_on() -> None:
    behind = paused(
        register=PartitionReading(cursor=10, last_timestamp_ms=500),
        deposit=PartitionReading(cursor=20, last_timestamp_ms=700),
    )

    assert behind == {(topic, 0) for topic in TOPICS if topic != REGISTER}


def test_what_cannot_be_decoded_keeps_nothing_else_from_being_read() -> None:
    behind = paused(
        register=PartitionReading(cursor=10, last_timestamp_ms=500, undecodable=True),
        deposit=PartitionReading(cursor=20, last_timestamp_ms=700),
    )

    assert (DEPOSIT, 0) not in behind
    assert (WITHDRAW, 0) in behind


def test_nothing_is_paused_where_only_the_undecodable_is_behind() -> None:
    assert not paused(register=PartitionReading(cursor=10, undecodable=True))
