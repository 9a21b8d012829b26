"""What is logged again and again is told once a minute; nothing else is kept back."""

import logging

import pytest

from workers.monitoring import log_repeats
from workers.monitoring.log_repeats import REPEAT_S, RepeatFilter


class Log:
    """Passes lines through the filter; the clock goes only when told."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.told: list[str] = []
        self._filter = RepeatFilter(now_s=lambda: self.now_s)

    def line(
        self, text: str, *args: object, logger: str = "aiokafka.client", level: int = logging.ERROR
    ) -> None:
        record = logging.LogRecord(logger, level, __file__, 1, text, args, None)
        if self._filter.filter(record):
            self.told.append(record.getMessage())


class TestRepeatFilter:
    def test_tells_a_cause_of_a_library_once_whatever_it_names(self) -> None:
        log = Log()

        for node in range(340):
            log.line("Unable to update metadata from %s", [node])

        assert log.told == ["Unable to update metadata from [0]"]

    def test_tells_it_again_after_a_minute_and_how_often_it_was_kept(self) -> None:
        log = Log()
        for _ in range(4):
            log.line("Unable to connect")

        log.now_s = REPEAT_S
        log.line("Unable to connect")
        log.now_s = 2 * REPEAT_S
        log.line("Unable to connect")

        assert log.told == [
            "Unable to connect",
            "Unable to connect (3 more like this were left out)",
            "Unable to connect",
        ]

    def test_tells_different_causes_apart(self) -> None:
        log = Log()

        log.line("Unable to connect")
        log.line("Heartbeat failed")
        log.line("Unable to connect", logger="aiokafka.producer")

        assert len(log.told) == 3

    def test_tells_all_of_ours_that_differ(self) -> None:
        log = Log()
        for offset in (1, 2, 2):
            log.line("%s cannot be parsed", offset, logger="workers.batches.unreadable")

        assert log.told == ["1 cannot be parsed", "2 cannot be parsed"]

    def test_keeps_no_news_back(self) -> None:
        log = Log()
        for _ in range(2):
            log.line(
                "kafka: as it should be again",
                logger="workers.monitoring.health",
                level=logging.INFO,
            )

        assert len(log.told) == 2

    def test_remembers_no_more_than_it_may(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log_repeats, "CAUSES_MAX", 2)
        log = Log()

        for text in ("a", "b", "c", "a", "c"):
            log.line(text)

        assert log.told == ["a", "b", "c", "a"]
