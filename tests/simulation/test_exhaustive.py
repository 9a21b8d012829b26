"""Each call of a short history fails in each way, alone and two together: a sample of what `make simulate` runs."""

from tests.simulation.in_process import simulated

SAMPLE = 40
"""Scripts of each kind and history: some seconds."""


def test_no_failing_call_breaks_a_promise_alone_or_beside_another() -> None:
    done = simulated("--exhaustive", str(SAMPLE), "--processes", "1")

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "violations   0" in done.stdout


def test_no_two_crashes_break_a_promise() -> None:
    done = simulated("--crashes", "1", "--processes", "1")

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "violations   0" in done.stdout
