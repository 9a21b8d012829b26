"""What MongoDB alone is given to write."""

from collections import Counter
from itertools import chain

import pytest

from benchmarks.ceiling import Batch, Measured, Trial, batches
from benchmarks.throughput import best_ceiling


class TestCeiling:
    def a_trial(self, writers: int) -> Trial:
        sizes = {"users": 40, "stored": 300, "commands": 600, "batch": 70, "mongod_pid": 0}
        return Trial(mongodb="", database="", writers=writers, **sizes)

    def all_batches(self, writers: int) -> list[list[Batch]]:
        """Return what each writer writes, stored beforehand or timed, in its order."""
        trial = self.a_trial(writers)
        return [list(chain(*batches(trial, writer))) for writer in range(writers)]

    @pytest.mark.parametrize("writers", [1, 3])
    def test_writes_one_outcome_per_command_and_each_touched_account_once(
        self, writers: int
    ) -> None:
        work = self.all_batches(writers)

        outcomes = [doc for part in work for _, written in part for doc in written]
        assert len({doc["_id"] for doc in outcomes}) == len(outcomes) == 600 + 300
        for accounts, written in (batch for part in work for batch in part):
            touched = Counter(doc["username"] for doc in written)
            assert Counter(doc["_id"] for doc in accounts) == dict.fromkeys(touched, 1)
            assert len(written) <= 70

    def test_goes_on_in_each_account_behind_what_is_stored(self) -> None:
        sequences: dict[str, list[int]] = {}
        for part in self.all_batches(3):
            for doc in (doc for _, written in part for doc in written):
                sequences.setdefault(doc["username"], []).append(doc["sequence"])

        assert sequences
        for found in sequences.values():
            assert found == list(range(1, len(found) + 1))

    def test_stores_as_much_as_asked_for_beforehand(self) -> None:
        cut = [batches(self.a_trial(3), writer) for writer in range(3)]

        assert sum(len(written) for stored, _ in cut for _, written in stored) == 300
        assert sum(len(written) for _, timed in cut for _, written in timed) == 600

    def test_gives_no_two_writers_the_same_account(self) -> None:
        touched = [
            (doc["_id"], writer)
            for writer in range(3)
            for accounts, _ in self.all_batches(3)[writer]
            for doc in accounts
        ]

        assert len({account for account, _ in touched}) == len(set(touched))

    def test_is_the_best_median_of_full_windows(self) -> None:
        measured = [
            Measured(batch=batch, writers=2, stored=0, per_s=per_s, cpu_us={})
            for batch, per_s in [(500, 9.0), (500, 1.0), (500, 2.0), (900, 3.0), (900, 4.0)]
        ]

        assert best_ceiling(measured) == 3.5
        assert best_ceiling([]) is None
