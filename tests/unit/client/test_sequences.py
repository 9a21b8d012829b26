"""P5, as a subscriber sees it: repeats are dropped and gaps are told."""

import pytest

from client.errors import SequenceGapError
from client.sequences import Sequences


class TestSequences:
    @pytest.mark.parametrize(
        ("last", "sequence", "new"), [(7, 6, False), (7, 7, False), (7, 8, True), (0, 1, True)]
    )
    def test_drop_what_was_seen_and_take_what_follows(
        self, last: int, sequence: int, *, new: bool
    ) -> None:
        sequences = Sequences({"alice": last})

        assert sequences.is_new("alice", sequence) is new

    def test_take_each_event_once_however_often_it_comes(self) -> None:
        sequences = Sequences({}, complete=True)

        taken = [number for number in (1, 2, 1, 2, 3, 3, 2, 4) if sequences.is_new("al1", number)]

        assert taken == [1, 2, 3, 4]

    def test_tell_a_gap_and_stay_where_they_were(self) -> None:
        sequences = Sequences({"alice": 7})

        with pytest.raises(SequenceGapError, match="from sequence 7 to 9") as caught:
            sequences.is_new("alice", 9)

        assert (caught.value.username, caught.value.last, caught.value.found) == ("alice", 7, 9)
        assert sequences.is_new("alice", 8)

    def test_keep_accounts_apart(self) -> None:
        sequences = Sequences({"alice": 7})

        assert sequences.is_new("bobby", 1)
        assert sequences.is_new("alice", 8)

    def test_let_an_account_begin_anywhere_where_older_events_may_be_gone(self) -> None:
        sequences = Sequences()

        assert sequences.is_new("alice", 40)
        assert not sequences.is_new("alice", 39)

    def test_want_the_first_event_of_an_account_that_a_snapshot_does_not_have(self) -> None:
        sequences = Sequences({"alice": 7}, complete=True)

        with pytest.raises(SequenceGapError, match="from sequence 0 to 2"):
            sequences.is_new("bobby", 2)
