"""What the benchmark computes from what it saw; the measuring itself needs the real servers."""

import random
from dataclasses import replace
from io import StringIO

import orjson
import pytest
from aiokafka.partitioner import DefaultPartitioner
from rich.console import Console

from benchmarks import figures
from benchmarks.curve import JUDGED_SHARE
from benchmarks.figures import Sample, cpu_per_command, window
from benchmarks.paced import Job, Probe
from benchmarks.plan import FULL, QUICK, SCENARIOS, Plan, chosen
from benchmarks.report import BARS, FIGURES, Bar, Figures, passes, show
from benchmarks.traffic import Shape, movements, partition_of, username, users_of
from benchmarks.watching import after_commands, after_seconds
from contracts.ledger import Deposit, Withdraw

GOOD = {
    "ours_per_s": 12_000.0,
    "ordinary_per_s": 150.0,
    "ceiling_per_s": 30_000.0,
    "hot_per_s": 10_000.0,
    "zipf_per_s": 11_000.0,
    "idle_ms": {"p50": 10.0, "p99": 30.0},
    "paced_500_ms": {"p50": 12.0, "p99": 40.0},
    "paced_2000_ms": {"p50": 15.0, "p99": 80.0},
    "flood_ratio": 1.4,
    "dead_reply_ratio": 1.1,
    "worker_rss_mb": 120.0,
    "worker_rss_growth": 1.02,
    "third_p99_ratio": 9.5,
    "third_cpu_ratio": 1.3,
    "verified": True,
}


def a_sample(at_s: float, done: int, *, worker_s: float = 0.0, rss_mb: float = 0.0) -> Sample:
    return Sample(at_s=at_s, done=done, cpu_s={"worker": worker_s}, rss_mb=rss_mb)


class TestPercentile:
    @pytest.mark.parametrize(
        ("share", "expected"),
        [(0.01, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)],
    )
    def test_is_the_nearest_rank(self, share: float, expected: int) -> None:
        values = [float(value) for value in range(1, 101)]
        random.Random(1).shuffle(values)

        assert figures.percentile(values, share) == expected

    def test_of_one_value_is_that_value(self) -> None:
        assert figures.p50_p99([7.123]) == {"p50": 7.12, "p99": 7.12}


@pytest.mark.parametrize(("values", "expected"), [([3.0], 3), ([9, 1, 2], 2), ([1, 4, 2, 9], 3)])
def test_the_median_is_in_the_middle(values: list[float], expected: float) -> None:
    assert figures.median(values) == expected


class TestWindow:
    def test_starts_at_the_first_result_and_leaves_out_what_was_there_by_then(self) -> None:
        samples = [
            a_sample(10.0, 0),
            a_sample(13.0, 400, worker_s=2.0),
            a_sample(14.0, 5000, worker_s=2.5),
            a_sample(15.0, 10_400, worker_s=2.8),
        ]

        measured = window(samples, started_s=9.0)

        assert (measured.commands, measured.seconds, measured.wall_s) == (10_000, 2.0, 6.0)
        assert measured.per_s == 5000
        assert measured.cpu_us == {"worker": pytest.approx(80.0)}

    def test_needs_two_samples_with_results(self) -> None:
        with pytest.raises(AssertionError):
            window([a_sample(1.0, 0), a_sample(2.0, 5)], started_s=0.0)

    def test_has_no_cost_of_a_process_that_was_not_there_before(self) -> None:
        cost = cpu_per_command({"kafka": 1.0}, {"kafka": 1.5, "worker": 2.0}, 1000)

        assert cost == {"kafka": 500.0}


def test_memory_is_read_when_the_commands_were_through() -> None:
    samples = [a_sample(1, 50, rss_mb=90), a_sample(2, 99, rss_mb=95), a_sample(3, 130, rss_mb=97)]

    assert figures.rss_at(samples, 100) == 97
    assert figures.rss_at(samples, 99) == 95
    assert figures.rss_at(samples, 1000) == 97


class TestWatching:
    def test_ends_after_the_commands(self) -> None:
        over = after_commands(100)

        assert [over([a_sample(1.0, done)]) for done in (99, 100, 101)] == [False, True, True]

    def test_counts_its_seconds_from_the_first_result(self) -> None:
        over = after_seconds(5.0)
        samples = [a_sample(0.0, 0), a_sample(20.0, 0)]

        assert not over(samples)
        assert not over([*samples, a_sample(21.0, 1), a_sample(25.9, 2)])
        assert over([*samples, a_sample(21.0, 1), a_sample(26.0, 2)])


class TestTraffic:
    def test_is_the_same_every_time(self) -> None:
        first = list(movements("uniform", users=50, count=200, name="a"))

        assert first == list(movements("uniform", users=50, count=200, name="a"))
        assert first != list(movements("uniform", users=50, count=200, name="b"))

    def test_is_what_the_contract_says(self) -> None:
        kinds = {"deposit": Deposit, "withdraw": Withdraw}
        commands = list(movements("uniform", users=50, count=300, name="a"))

        parsed = [kinds[each.topic].model_validate_json(each.value) for each in commands]

        assert [each.username for each in parsed] == [username(each.user) for each in commands]
        assert len({each.command_id for each in parsed}) == 300
        assert all(1 <= float(each.amount) < 100 for each in parsed)
        assert 100 < sum(each.topic == "deposit" for each in commands) < 200

    @pytest.mark.parametrize(
        ("shape", "least", "most"),
        [("uniform", 0.0, 0.01), ("hot", 0.88, 0.92), ("zipf", 0.12, 0.2)],
    )
    def test_gives_the_first_user_its_share(self, shape: Shape, least: float, most: float) -> None:
        picks = users_of(shape, users=10_000, count=20_000, rng=random.Random(5))

        assert least <= picks.count(0) / len(picks) <= most
        assert all(0 <= pick < 10_000 for pick in picks)

    def test_falls_to_partitions_as_kafkas_own_partitioner_says(self) -> None:
        everywhere = list(range(12))
        partitioner = DefaultPartitioner()
        keys = [username(user).encode() for user in range(500)]

        ours = [partition_of(key, 12) for key in keys]

        assert ours == [partitioner(key, everywhere, everywhere) for key in keys]


class TestProbe:
    def a_job(self, **changes: object) -> Job:
        job = Job(kafka="", prefix="", users=5, name="paced", count=4, warmup=1, rate=100)
        return job.model_copy(update=changes)

    def result(self, command_id: str, status: str = "accepted") -> bytes:
        return orjson.dumps({"command_id": command_id, "status": status})

    def test_counts_from_when_a_command_was_due_and_not_from_when_it_went_out(self) -> None:
        probe = Probe(self.a_job())
        probe.due_s = [1.0, 2.0, 3.0, 4.0]
        probe.sent_s = [1.0, 2.5, 3.0, 4.0]

        for number in range(4):
            probe.see(self.result(f"paced-{number}"), 5.0)
        answer = probe.answer(6.0)

        assert answer.latencies_ms == [3000, 2000, 1000]
        assert answer.late_ms == [500, 0, 0]
        assert answer.unanswered == 0

    def test_takes_the_first_result_of_its_own_commands_only(self) -> None:
        probe = Probe(self.a_job())

        probe.see(self.result("other-1"), 1.0)
        probe.see(self.result("paced-1"), 2.0)
        probe.see(self.result("paced-1"), 9.0)

        assert probe.seen_s == [None, 2.0, None, None]
        assert probe.answer(9.0).unanswered == 3

    def test_counts_what_has_no_answer_as_having_taken_until_now(self) -> None:
        probe = Probe(self.a_job())
        probe.due_s = probe.sent_s = [1.0, 2.0, 3.0, 4.0]

        probe.see(self.result("paced-2"), 3.5)
        answer = probe.answer(40.0)

        assert answer.latencies_ms == [38_000, 500, 36_000]
        assert answer.unanswered == 3

    def test_tells_refusals(self) -> None:
        probe = Probe(self.a_job())

        probe.see(self.result("paced-1", "rejected"), 1.0)

        assert probe.answer(2.0).rejected == 1

    def test_leaves_out_those_that_name_the_dead_topic(self) -> None:
        job = self.a_job(count=1000, warmup=0, dead_topic="nobody", dead_share=0.05)
        probe = Probe(job)

        for number in range(1000):
            probe.see(self.result(f"paced-{number}"), 1.0)
        answer = probe.answer(1.0)

        assert 20 <= sum(probe.dead) <= 90
        assert len(answer.latencies_ms) == 1000 - sum(probe.dead)


class TestPlan:
    def test_takes_everything_or_what_was_asked_for(self) -> None:
        assert chosen(FULL, None).scenarios == frozenset(SCENARIOS)
        assert chosen(FULL, "idle, hot").scenarios == {"idle", "hot"}

    def test_takes_what_the_curve_is_judged_by_as_well(self) -> None:
        assert chosen(FULL, "hot,curve").scenarios == {"hot", "curve", "ours", "idle"}

    @pytest.mark.parametrize("plan", [FULL, QUICK])
    def test_offers_the_rate_that_is_judged(self, plan: Plan) -> None:
        assert JUDGED_SHARE in plan.curve_shares
        assert list(plan.curve_shares) == sorted(plan.curve_shares)

    def test_refuses_what_it_does_not_know(self) -> None:
        with pytest.raises(ValueError, match=r"unknown scenario 'idel'; choose from ordinary"):
            chosen(FULL, "hot,idel")


class TestReport:
    def test_passes_a_good_run(self) -> None:
        assert set(passes(GOOD).values()) == {True}

    def test_has_nothing_to_say_on_what_did_not_run(self) -> None:
        assert set(passes(dict.fromkeys(FIGURES)).values()) == {None}

    @pytest.mark.parametrize(
        ("label", "figure", "value"),
        [
            ("backlog, commands/s", "ours_per_s", 9999),
            ("over the ordinary worker", "ordinary_per_s", 201),
            ("over the ceiling", "ceiling_per_s", 34_300),
            ("hot account over uniform", "hot_per_s", 8999),
            ("idle, p50", "idle_ms", {"p50": 20.1, "p99": 30.0}),
            ("idle, p99", "idle_ms", {"p50": 10.0, "p99": 50.1}),
            ("steady 2,000/s, p99", "paced_2000_ms", {"p50": 10.0, "p99": 150.1}),
            ("money beside a registration flood, p99", "flood_ratio", 2.01),
            ("others beside a dead reply topic, p99", "dead_reply_ratio", 2.01),
            ("a third of the backlog rate, p99 over idle p50", "third_p99_ratio", 12.01),
            ("a third of it, worker CPU over the backlog's", "third_cpu_ratio", 1.61),
            ("worker memory", "worker_rss_mb", 200.1),
            ("worker memory, end over first fifth", "worker_rss_growth", 1.11),
        ],
    )
    def test_fails_a_run_just_below_a_bar(self, label: str, figure: str, value: object) -> None:
        verdicts = passes({**GOOD, figure: value})

        assert verdicts[label] is False

    def test_covers_every_bar_with_a_row(self) -> None:
        screen = StringIO()
        details = {"cpu_us_per_command": {"ours": {"worker": 45.0}}, "plan": {"users": 10_000}}

        show(Console(file=screen, width=120), {**GOOD, "verified": False}, details)

        printed = screen.getvalue()
        assert all(bar.label in printed for bar in BARS)
        assert "not clean" in printed
        assert "p50 15  p99 80" in printed

    def test_knows_every_figure_it_judges(self) -> None:
        assert set(GOOD) == set(FIGURES)

    @pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.label)
    def test_passes_exactly_at_the_bar(self, bar: Bar) -> None:
        def one(_: Figures) -> float:
            return 1.0

        assert replace(bar, value=one, limit=1.0).passed({}) is True
