"""What an import says of its way, and an export of an account."""

import json

import pytest

from cli.moving.account_lines import AccountToOpen, read_account
from cli.moving.exported_lines import exported_line
from cli.moving.import_progress import IN_A_LOG_S, ImportProgress
from cli.moving.lines import Line
from cli.moving.usernames_seen import UsernamesSeen
from handlers.model.account import Balance, Profile
from tests.builders import an_account


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class TestProgress:
    def test_says_rate_and_time_left(self, capsys: pytest.CaptureFixture[str]) -> None:
        clock = Clock()
        progress = ImportProgress(clock, 1_000_000)

        clock.now_s += IN_A_LOG_S
        progress.tell(30_000, 500_000, waiting=20_000)

        said = capsys.readouterr().err.strip()
        assert said == "30,000 accounts, 3,000/s, 30% of about 100,000, 0:00:23 left"

    def test_of_a_pipe_says_the_rate_alone(self) -> None:
        clock = Clock()
        progress = ImportProgress(clock, None)
        clock.now_s += IN_A_LOG_S
        progress.tell(100, 1, waiting=0)

        assert progress.line(100, 1, 0) == "100 accounts, 10/s"

    def test_follows_what_happens_now(self) -> None:
        clock = Clock()
        progress = ImportProgress(clock, None)
        for accounts in (10, 20, 1020):
            clock.now_s += IN_A_LOG_S
            progress.tell(accounts, 1, waiting=0)

        assert progress.line(1020, 1, 0) == "1,020 accounts, 100/s"

    def test_says_nothing_all_the_time(self, capsys: pytest.CaptureFixture[str]) -> None:
        progress = ImportProgress(Clock(), None)

        progress.tell(1, 1, waiting=0)

        assert capsys.readouterr().err == ""


class TestUsernamesSeen:
    def test_says_where_a_name_stood_first(self) -> None:
        with UsernamesSeen() as seen:
            lines = [seen.first_line(name, n) for n, name in enumerate(["a", "b", "A", "a"])]

        assert lines == [0, 1, 2, 0]


class TestExportedLine:
    def test_moves_in_again(self) -> None:
        profile = Profile(
            email="alice@example.com",
            first_name="Zoë",
            last_name="Example",
            phone="+14155550123",
            marketing_consent=True,
        )
        balances = {
            "USD": Balance(posted_minor=1050, scale=2),
            "JPY": Balance(posted_minor=0, scale=0),
            "ETH": Balance(posted_minor=10**28, scale=18),
        }
        line = exported_line(an_account(profile=profile, balances=balances), None)

        read = read_account(Line(1, line), "again")

        assert isinstance(read, AccountToOpen)
        assert read.opening.model_dump(exclude={"command_id", "username"}, exclude_unset=True) == {
            "email": "alice@example.com",
            "first_name": "Zoë",
            "last_name": "Example",
            "phone": "+14155550123",
            "marketing_consent": True,
        }
        assert [(each.amount, each.currency) for each in read.deposits] == [
            ("10.50", "USD"),
            ("10000000000.000000000000000000", "ETH"),
        ]

    def test_has_a_hash_only_where_one_is_given(self) -> None:
        lines = [exported_line(an_account(), known) for known in (None, "$2b$…")]

        assert [json.loads(line).get("password_hash") for line in lines] == [None, "$2b$…"]
