"""An import against the service's own rules in memory: what it sends, reports, and never pays."""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from typing import Any

import pytest

from cli.moving.account_source import AccountSource
from cli.moving.import_report import ImportReport
from cli.moving.importing import Import, ImportStoppedError
from cli.moving.lines import Lines
from cli.moving.usernames_seen import UsernamesSeen
from client.sealing import sealing_key
from client.testing.fake_accounts import FakeAccounts
from contracts.topics import RESULTS
from tests.builders import NOON
from tests.unit.workers.credentials.test_imported_hashes import PASSWORD, made

PROFILE = {"email": "alice@example.com", "first_name": "Alice", "last_name": "Example"}


@dataclass
class Company:
    """Who moves in."""

    accounts: FakeAccounts
    run: str = "import-1"
    written: StringIO = field(default_factory=StringIO)

    async def moves_in(
        self, *lines: dict[str, Any] | bytes, name: str = "shop", patience_s: float = 60.0
    ) -> ImportReport:
        self.written = StringIO()
        report = ImportReport(self.written)
        texts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines]
        with UsernamesSeen() as seen:
            source = AccountSource(
                Lines(BytesIO(b"\n".join(texts))),
                name,
                seen,
                fetch_key=self.fetch_key,
                clock=lambda: NOON,
            )
            async with self.accounts.reader(RESULTS, "end") as answers:
                await Import(
                    source,
                    lambda commands: self.accounts.publish_many(commands, correlation_id=self.run),
                    answers,
                    report,
                    correlation_id=self.run,
                    tell=lambda _: None,
                    patience_s=patience_s,
                ).run()
        return report

    async def fetch_key(self) -> Mapping[str, Any]:
        return sealing_key(await self.accounts.sealing_keys.get())

    @property
    def report(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    async def posted(self, username: str) -> dict[str, str]:
        return {
            currency: each.posted
            for currency, each in (await self.accounts.balances(username)).balances.items()
        }


@pytest.fixture
async def company() -> AsyncGenerator[Company]:
    async with FakeAccounts() as accounts:
        yield Company(accounts)


async def test_opens_pays_and_says_how_many(company: Company) -> None:
    report = await company.moves_in(
        {"username": "alice", "balances": {"USD": "10.50", "JPY": "7"}}, {"username": "bob"}
    )

    assert await company.posted("alice") == {"USD": "10.50", "JPY": "7"}
    assert (report.counts.moved_in, report.counts.repeated, company.report) == (2, 0, [])


async def test_run_again_pays_nothing_twice(company: Company) -> None:
    lines = [{"username": f"user-{n}", "balances": {"USD": f"{n}.00"}} for n in range(1, 30)]
    await company.moves_in(*lines)

    report = await company.moves_in(*lines)

    assert (report.counts.moved_in, report.counts.repeated) == (29, 29)
    assert await company.posted("user-7") == {"USD": "7.00"}


@pytest.mark.parametrize(
    ("corrected", "refused"),
    [
        ({"balances": {"USD": "20.50"}}, {"command": "deposit", "currency": "USD"}),
        ({**PROFILE, "balances": {"USD": "10.50"}}, {"command": "open"}),
    ],
)
async def test_a_corrected_line_is_refused_and_not_paid(
    company: Company, corrected: dict[str, Any], refused: dict[str, str]
) -> None:
    await company.moves_in({"username": "alice", "balances": {"USD": "10.50"}})

    report = await company.moves_in({"username": "alice", **corrected})

    assert company.report == [{"line": 1, "code": "command_id_conflict", **refused}]
    assert (report.counts.moved_in, report.counts.refused) == (0, 1)
    assert await company.posted("alice") == {"USD": "10.50"}


async def test_a_name_that_is_somebody_elses_is_paid_nothing(company: Company) -> None:
    await company.accounts.open("alice")

    await company.moves_in({"username": "alice", "balances": {"USD": "10.50"}})

    assert company.report == [{"line": 1, "command": "open", "code": "username_taken"}]
    assert await company.posted("alice") == {}


async def test_a_username_twice_in_a_file_moves_in_once(company: Company) -> None:
    line = {"username": "alice", "balances": {"USD": "10.50"}}

    await company.moves_in(line, b"", line)

    assert [(each["line"], each["problem"]) for each in company.report] == [(3, "repeated")]
    assert await company.posted("alice") == {"USD": "10.50"}


async def test_a_bad_line_stops_no_other(company: Company) -> None:
    report = await company.moves_in(
        {"username": "alice"},
        b"{",
        {"username": "carol", "balances": {"USD": "1.001", "EUR": "2.00"}},
        {"username": "dave", "email": "nowhere"},
    )

    assert (report.counts.moved_in, report.counts.refused) == (1, 3)
    assert [(each["line"], each.get("code") or each["problem"]) for each in company.report] == [
        (2, "not_json"),
        (4, "not_an_email"),
        (3, "amount_too_precise"),
    ]
    assert await company.posted("carol") == {"EUR": "2.00"}


async def test_whose_hash_moves_in_signs_in_with_the_old_password(company: Company) -> None:
    await company.moves_in(
        {
            "username": "alice",
            **PROFILE,
            "password_hash": made("bcrypt"),
            "balances": {"USD": "1.00"},
        }
    )

    signed_in = await company.accounts.login("alice", PASSWORD)

    assert signed_in.session_id
    assert await company.posted("alice") == {"USD": "1.00"}


async def test_answers_to_an_earlier_run_are_not_taken_for_its_own(company: Company) -> None:
    """The first run's answer, which says yes to another amount, may come while the second waits."""
    await company.moves_in({"username": "alice", "balances": {"USD": "10.50"}})
    company.run = "import-2"

    await company.moves_in({"username": "alice", "balances": {"USD": "20.50"}})

    assert [each["code"] for each in company.report] == ["command_id_conflict"]


async def test_what_has_no_answer_is_unknown(company: Company) -> None:
    company.accounts.unreachable = True

    with pytest.raises(ImportStoppedError):
        await company.moves_in({"username": "alice"}, patience_s=0.0)

    assert [(each["line"], each["code"]) for each in company.report] == [(1, "unknown")]
