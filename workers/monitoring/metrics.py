"""Every number this service exports. Labels are few and bounded: never a username."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
)

from workers.clock import monotonic_s
from workers.monitoring.histograms import BatchHistogram
from workers.monitoring.version import VERSION

PREFIX = "accounts_"

SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Bucket bounds of every duration: 1 ms is faster than any commit, 60 s slower than any deadline;
0.02, 0.05 and 0.15 s are what operators are promised, so the bounds stand close there."""

RECORDS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Bucket bounds of a cycle's size, up to beyond its default maximum."""


class Metrics:
    """The metrics of one process, in one registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._describe_process()
        self._count_work()
        self._count_trouble()
        self._time_work()
        self._gauge_inputs()
        self._gauge_state()

    def _counter(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(PREFIX + name, documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(PREFIX + name, documentation, labels, registry=self.registry)

    def _histogram(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = SECONDS,
    ) -> BatchHistogram:
        return BatchHistogram(
            PREFIX + name, documentation, labels=labels, buckets=buckets, registry=self.registry
        )

    def _describe_process(self) -> None:
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.build_info = Info(PREFIX + "build", "What is running.", registry=self.registry)
        self.build_info.info({"version": VERSION})

    def _count_work(self) -> None:
        self.commands_total = self._counter(
            "commands_total",
            "Commands answered. code is empty where accepted.",
            ("command", "outcome", "code"),
        )
        self.published_total = self._counter(
            "published_total", "Records acknowledged by Kafka.", ("topic",)
        )
        self.end_offset_questions_total = self._counter(
            "end_offset_questions_total", "Times a refusal asked how far other topics reach."
        )
        self.rebalances_total = self._counter(
            "rebalances_total", "Times the consumer group gave out its partitions again."
        )
        self.swept_accounts_total = self._counter(
            "swept_accounts_total", "Accounts whose state the housekeeper published again."
        )
        self.verified_accounts_total = self._counter(
            "verified_accounts_total", "Accounts the housekeeper computed again from their entries."
        )

    def _count_trouble(self) -> None:
        self.dead_letters_total = self._counter(
            "dead_letters_total", "Records that could not be understood.", ("topic", "code")
        )
        self.undecodable_batches_skipped_total = self._counter(
            "undecodable_batches_skipped_total",
            "Batches that nobody could decode, each left as a dead letter without its records.",
            ("topic",),
        )
        self.lost_races_total = self._counter(
            "lost_races_total", "Times another writer was first and a lane was decided again."
        )
        self.invariant_violations_total = self._counter(
            "invariant_violations_total", "Facts about money that did not hold. Any is an alert."
        )
        self.corrupt_documents_total = self._counter(
            "corrupt_documents_total",
            "Times a stored document could not be understood; the log names it.",
            ("collection",),
        )
        self.guesses_refused_total = self._counter(
            "guesses_refused_total",
            "Passwords that were not looked at. reason: whose wait it is, of one device or user at a "
            "source (device), a source (source), all unknown devices of a user (user); or a user's "
            "turn (turn).",
            ("reason",),
        )
        self.lock_outs_total = self._counter(
            "lock_outs_total",
            "Times wrong passwords used up what a day allows on one user's unknown devices.",
        )
        self.housekeeper_failures_total = self._counter(
            "housekeeper_failures_total", "Chores of the housekeeper that failed.", ("chore",)
        )

    def _time_work(self) -> None:
        self.command_duration_seconds = self._histogram(
            "command_duration_seconds", "From read to published.", ("command",)
        )
        self.end_to_end_seconds = self._histogram(
            "end_to_end_seconds", "From the broker's record time to published.", ("command",)
        )
        self.cycle_seconds = self._histogram("cycle_seconds", "One step of a cycle.", ("step",))
        self.batch_records = self._histogram(
            "batch_records", "Records taken by one cycle.", buckets=RECORDS
        )
        self.store_operation_seconds = self._histogram(
            "store_operation_seconds", "One call to a store.", ("store", "operation")
        )
        self.event_loop_lateness_seconds = self._histogram(
            "event_loop_lateness_seconds", "How late the loop wakes the watchdog."
        )

    def _gauge_inputs(self) -> None:
        partition = ("topic", "partition")
        self.consumer_lag_records = self._gauge(
            "consumer_lag_records", "Records not read yet.", partition
        )
        self.consumer_lag_seconds = self._gauge(
            "consumer_lag_seconds",
            "Age of the last record read, where more wait to be read.",
            partition,
        )
        self.open_transaction_seconds = self._gauge(
            "open_transaction_seconds",
            "How long somebody's open transaction has kept back all that stands behind it.",
            partition,
        )
        self.topic_partitions = self._gauge(
            "topic_partitions",
            "Partitions of a topic to be read; 0 where it is missing.",
            ("topic",),
        )
        self.parked_records = self._gauge(
            "parked_records", "Commands that wait for the user's other topics."
        )
        self.parked_seconds = self._gauge(
            "parked_seconds", "How long the command that waits longest for other topics has waited."
        )
        self.undecodable_partitions = self._gauge(
            "undecodable_partitions", "Partitions paused because a batch cannot be decoded."
        )

    def _gauge_state(self) -> None:
        self.pending_registrations = self._gauge(
            "pending_registrations", "Accounts without a credential for more than a minute."
        )
        self.state_sweep_seconds = self._gauge(
            "state_sweep_seconds", "How long the last complete sweep of the states took."
        )
        self.recount_seconds = self._gauge(
            "recount_seconds", "How long the last complete recount of all accounts took."
        )
        self.unbalanced_currencies = self._gauge(
            "unbalanced_currencies", "Currencies in which users and houses do not come to zero."
        )
        self.not_booked = self._gauge(
            "not_booked",
            "Accounts that are older than the houses and not on the books yet.",
        )
        self.other_mac_key = self._gauge(
            "other_mac_key",
            "Accounts without a MAC by the key in use: an older key is needed while there are some.",
        )
        self.trial_balance_timestamp_seconds = self._gauge(
            "trial_balance_timestamp_seconds", "When users and houses were last added up."
        )
        self.last_progress_timestamp_seconds = self._gauge(
            "last_progress_timestamp_seconds", "When a worker last got on.", ("worker",)
        )
        self.schema_number = self._gauge(
            "schema_number",
            "Of what is stored. which: data, as it is written now; newest, the last that this release reads.",
            ("which",),
        )
        self.component_up = self._gauge(
            "component_up", "1 where a component is as it should be.", ("component",)
        )

    def forget_partition(self, topic: str, partition: int) -> None:
        """Stop exporting what is known of a partition that is not ours any more."""
        for gauge in (
            self.consumer_lag_records,
            self.consumer_lag_seconds,
            self.open_transaction_seconds,
        ):
            gauge.remove(topic, str(partition))

    @contextmanager
    def timed(self, store: str, operation: str) -> Generator[None]:
        """Measure one call to a store, whether it succeeds or raises."""
        started_s = monotonic_s()
        try:
            yield
        finally:
            self.store_operation_seconds.labels(store, operation).observe(monotonic_s() - started_s)
