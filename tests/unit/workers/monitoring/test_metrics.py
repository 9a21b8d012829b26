"""What is exported, under which names, and that a cycle's values count as Prometheus counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from workers.monitoring.histograms import BatchHistogram
from workers.monitoring.metrics import SECONDS, Metrics

EXPORTED = {
    "accounts_batch_records": (),
    "accounts_build_info": ("version",),
    "accounts_command_duration_seconds": ("command",),
    "accounts_commands_total": ("command", "outcome", "code"),
    "accounts_consumer_lag_records": ("topic", "partition"),
    "accounts_consumer_lag_seconds": ("topic", "partition"),
    "accounts_cycle_seconds": ("step",),
    "accounts_dead_letters_total": ("topic", "code"),
    "accounts_end_offset_questions_total": (),
    "accounts_end_to_end_seconds": ("command",),
    "accounts_guesses_refused_total": ("reason",),
    "accounts_invariant_violations_total": (),
    "accounts_last_progress_timestamp_seconds": ("worker",),
    "accounts_lock_outs_total": (),
    "accounts_lost_races_total": (),
    "accounts_open_transaction_seconds": ("topic", "partition"),
    "accounts_parked_records": (),
    "accounts_parked_seconds": (),
    "accounts_pending_registrations": (),
    "accounts_published_total": ("topic",),
    "accounts_rebalances_total": (),
    "accounts_store_operation_seconds": ("store", "operation"),
    "accounts_topic_partitions": ("topic",),
    "accounts_undecodable_partitions": (),
}


def touch(metrics: Metrics, name: str, labels: tuple[str, ...]) -> None:
    """Make every labelled metric export one series."""
    if labels and name != "accounts_build_info":
        getattr(metrics, name.removeprefix("accounts_")).labels(*["x"] * len(labels))


def exported(metrics: Metrics) -> dict[str, set[str]]:
    return {
        sample.name: set(sample.labels)
        for family in metrics.registry.collect()
        for sample in family.samples
    }


def lines(registry: CollectorRegistry) -> list[tuple[str, float]]:
    """Return every sample, rounded: the sums were added up in another order."""
    text = generate_latest(registry).decode()
    pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return [(name, round(float(value), 6)) for name, value in pairs if "_created" not in name]


class TestMetrics:
    @pytest.mark.parametrize(("name", "labels"), EXPORTED.items())
    def test_are_exported_under_their_names_with_their_labels(
        self, name: str, labels: tuple[str, ...]
    ) -> None:
        metrics = Metrics()

        touch(metrics, name, labels)

        samples = exported(metrics)
        found = samples[name] if name in samples else samples[f"{name}_sum"]
        assert found == set(labels)

    def test_never_have_a_username_as_a_label(self) -> None:
        metrics = Metrics()
        for name, labels in EXPORTED.items():
            touch(metrics, name, labels)

        labels = {label for found in exported(metrics).values() for label in found}

        assert labels.isdisjoint({"username", "account", "account_id", "email"})

    def test_of_two_processes_do_not_meet(self) -> None:
        first, second = Metrics(), Metrics()

        first.lost_races_total.inc()

        assert first.registry.get_sample_value("accounts_lost_races_total") == 1
        assert second.registry.get_sample_value("accounts_lost_races_total") == 0

    def test_forget_a_partition_that_was_revoked(self) -> None:
        metrics = Metrics()
        metrics.consumer_lag_records.labels("t", "3").set(5)

        metrics.forget_partition("t", 3)

        labels = {"topic": "t", "partition": "3"}
        assert metrics.registry.get_sample_value("accounts_consumer_lag_records", labels) is None

    def test_time_a_call_that_raises(self) -> None:
        metrics = Metrics()

        with pytest.raises(RuntimeError), metrics.timed("mongodb", "commit"):
            raise RuntimeError

        labels = {"store": "mongodb", "operation": "commit"}
        name = "accounts_store_operation_seconds_count"
        assert metrics.registry.get_sample_value(name, labels) == 1


class TestBatchHistogram:
    @given(st.lists(st.sampled_from([*SECONDS, 0.0, 0.003, 61.0, 0.15000001])))
    def test_counts_as_the_library_s_own_histogram(self, values: list[float]) -> None:
        ours, theirs = CollectorRegistry(), CollectorRegistry()
        batch = BatchHistogram("a", "A.", labels=("k",), buckets=SECONDS, registry=ours)
        single = Histogram("a", "A.", ("k",), buckets=SECONDS, registry=theirs).labels("x")

        batch.labels("x").observe_many(values[:3])
        batch.labels("x").observe_many(values[3:])
        for value in values:
            single.observe(value)

        assert lines(ours) == lines(theirs)

    def test_refuses_a_name_that_is_taken(self) -> None:
        registry = CollectorRegistry()
        BatchHistogram("a", "A.", labels=(), buckets=SECONDS, registry=registry)

        with pytest.raises(ValueError, match="Duplicated timeseries"):
            BatchHistogram("a", "A.", labels=(), buckets=SECONDS, registry=registry)
