"""P2, P4, P5, P6 and P13, whatever workers, stores and producers do: a model finds the order of failures.

The rules of who owes which event look simpler than they are: each of them is here because some
order of crashes, races and late writes breaks the log without it.
"""

from collections.abc import Sequence
from typing import TypeAlias

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.codes import Code
from handlers.model.account import Account
from handlers.model.input_records import CommandRecord
from tests.received import a_deposit, a_registration, a_withdrawal, received
from tests.unit.workers.ledger.ledger_faults import Fault, FaultyLedger
from tests.unit.workers.ledger.ledger_model import Flight, Log, Worker, finished
from workers.ledger.lane import RACES_MAX

USERS = ("alice", "robert")
"""Of different length, so that two lanes have one each."""
WORKERS = range(3)

Order: TypeAlias = tuple[str, int, bool, bool]
"""Whose, how much, deposit or withdrawal, and whether it is sent twice."""

some_faults = st.lists(st.sampled_from(Fault), max_size=4)
one_by_one = some_faults.map(lambda rest: [Fault.LOST] * RACES_MAX + rest)
"""So many races are lost that each command is decided by itself."""
faults = some_faults | one_by_one
users = st.sampled_from(USERS)
orders = st.lists(
    st.tuples(users, st.integers(1, 3), st.booleans(), st.booleans()), min_size=1, max_size=4
)
picks = st.sets(st.integers(0, 7), min_size=1, max_size=5)
one_or_two = st.integers(1, 2)
workers = st.sampled_from(WORKERS)


class LedgerModel(RuleBasedStateMachine):
    """Three workers over one store and one log; any record may reach any of them at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = FaultyLedger()
        self.log = Log()
        self.ghosts: list[Flight] = []
        self.sent: list[CommandRecord] = []
        self.workers = [self._a_worker() for _ in WORKERS]

    def _a_worker(self) -> Worker:
        worker = Worker(self.ledger, self.log, self.ghosts)
        worker.rival = self._race
        return worker

    def _race(self, records: Sequence[CommandRecord]) -> None:
        """Let a worker that can decide these records first."""
        for worker in self.workers:
            if not worker.busy and worker.applied is None:
                worker.cycle(records, final=True, lanes=1)
                return

    @initialize()
    def register(self) -> None:
        records = [received(a_registration(name), offset=0) for name in USERS]
        self.workers[0].cycle(records, final=True, lanes=1)
        self.workers[0].acknowledge()

    @rule(which=workers, orders=orders, planned=faults, final=st.booleans(), lanes=one_or_two)
    def decide_new(
        self, which: int, orders: list[Order], planned: list[Fault], *, final: bool, lanes: int
    ) -> None:
        """Send commands, some of them twice through two partitioners, and deliver them."""
        before = len(self.sent)
        for username, amount, deposit, twice in orders:
            number = len(self.sent) + 1
            a_command = a_deposit if deposit else a_withdrawal
            command = a_command(f"{amount}.00", username, f"c-{number}")
            for partition in range(1 + twice):
                self.sent.append(
                    received(command, offset=number, partition=partition, at_ms=number)
                )
        self._deliver(which, self.sent[before:], planned, final=final, lanes=lanes)

    @precondition(lambda self: self.sent)
    @rule(which=workers, picked=picks, planned=faults, final=st.booleans(), lanes=one_or_two)
    def decide_again(
        self, which: int, picked: set[int], planned: list[Fault], *, final: bool, lanes: int
    ) -> None:
        """Deliver some of the latest records, for the first time or once more."""
        latest = self.sent[-8:]
        records = [latest[index] for index in sorted(picked) if index < len(latest)]
        self._deliver(which, records, planned, final=final, lanes=lanes)

    def _deliver(
        self,
        which: int,
        records: Sequence[CommandRecord],
        planned: list[Fault],
        *,
        final: bool,
        lanes: int,
    ) -> None:
        worker = self.workers[which]
        if worker.applied is not None:
            worker.acknowledge()
        parked = {each.source for each in worker.parked}
        self.ledger.planned = list(planned)
        fresh = [each for each in records if each.source not in parked]
        worker.cycle(fresh, final=final, lanes=lanes)
        self.ledger.planned = []

    @rule(which=workers, username=users, count=st.integers(1, 3))
    def publish_some(self, which: int, username: str, count: int) -> None:
        flight = self.workers[which].flight
        if flight is not None:
            flight.advance(username.encode(), count)

    @rule(which=workers)
    def acknowledge(self, which: int) -> None:
        self.workers[which].acknowledge()

    @rule(which=workers)
    def sign_off(self, which: int) -> None:
        self.workers[which].sign_off()

    @rule(which=workers, how=st.sampled_from(["replace the producer", "abandon", "crash"]))
    def disturb(self, which: int, how: str) -> None:
        if how == "replace the producer":
            self.workers[which].repeat()
            return
        self.workers[which].abandon()
        if how == "crash":
            self.workers[which] = self._a_worker()

    @precondition(lambda self: self.ghosts)
    @rule(which=st.integers(0, 9), username=users, count=st.integers(1, 4))
    def arrive_late(self, which: int, username: str, count: int) -> None:
        """Let something arrive that its worker has given up."""
        self.ghosts[which % len(self.ghosts)].advance(username.encode(), count)

    @invariant()
    def the_mark_never_claims_what_is_not_out(self) -> None:
        for account in self._accounts():
            out = self.log.events.get(account.username, {})
            assert account.published_sequence <= len(out)

    @invariant()
    def balances_are_the_sum_of_their_entries(self) -> None:
        for account in self._accounts():
            entries = [
                outcome.entry
                for (username, _), outcome in self.ledger.entries.items(self.ledger.commits)
                if username == account.username and outcome.entry is not None
            ]
            moved = sum(each.after_minor - each.before_minor for each in entries)
            posted = sum(balance.posted_minor for balance in account.balances.values())
            assert (moved, len(entries)) == (posted, account.sequence)

    @invariant()
    def users_and_houses_come_to_zero(self) -> None:
        """P13."""
        rows = self.ledger.houses.items(self.ledger.commits)
        users = sum(one.posted_minor for each in self._accounts() for one in each.balances.values())
        assert users + sum(row.sum_minor for _, row in rows) == 0

    @invariant()
    def nobody_overlooks_an_account(self) -> None:
        codes = {outcome.code for _, outcome in self.ledger.outcomes.items(self.ledger.commits)}
        assert codes <= {None, Code.INSUFFICIENT_FUNDS}

    def teardown(self) -> None:
        """Let two finish, stop everybody; a new worker gets every record once more, and all is said."""
        for worker in self.workers[:2]:
            worker.acknowledge()
            worker.acknowledge()
        for worker in self.workers:
            worker.abandon()
        last = self._a_worker()
        last.cycle(self.sent, final=True, lanes=2)
        last.acknowledge()
        for ghost in self.ghosts:
            ghost.land()
        asked = {each.id for each in self.sent}
        assert self.log.results.keys() == asked, "P4: a command has no answer"
        assert finished(self.ledger.count_outcomes()) == len(asked) + len(USERS)
        for account in self._accounts():
            assert len(self.log.events.get(account.username, {})) == account.sequence

    def _accounts(self) -> list[Account]:
        return [account for _, account in self.ledger.accounts.items(self.ledger.commits)]


LedgerModel.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, print_blob=False
)


class TestLedger(LedgerModel.TestCase):
    """Run the model."""
