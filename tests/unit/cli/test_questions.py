"""How replies, refusals and missing replies are shown, and with which exit code."""

import json
from typing import Any

import orjson
import pytest
import typer

from cli.arguments.checking import checked
from cli.screen.output import CliError, Format, choose
from cli.screen.shown import as_json
from cli.screen.watched import Watched, line
from cli.service.questions import body, show_no_answer, show_refusal, show_undecided
from client.errors import NoAnswerError
from contracts.problems import Problem
from contracts.queries import GetBalance, ListTransactions
from contracts.replies import Reply
from tests.published import an_entry

TRANSACTION = {
    **an_entry(1, "10.50", amount="10.50").model_dump(mode="json", exclude_none=True),
    "occurred_at": "2030-01-01T12:00:00.000Z",
}


def a_reply_body(**fields: Any) -> dict[str, Any]:
    return {
        "request_id": "r-1",
        "username": "alice",
        "type": "list-transactions",
        "status": "accepted",
        "answered_at": "2030-01-01T12:00:00.000Z",
        **fields,
    }


def a_refusal_body() -> dict[str, Any]:
    error: dict[str, Any] = {
        "code": "too_many_attempts",
        "title": "T",
        "detail": "D",
        "retryable": True,
        "type": "/t",
        "errors": [],
    }
    return a_reply_body(status="rejected", error=error, retry_after_s=8)


def a_reply(given: dict[str, Any]) -> Reply:
    return Reply.model_validate_json(orjson.dumps(given))


class TestAsJson:
    @pytest.mark.parametrize(
        "given",
        [
            a_reply_body(page={"username": "alice", "transactions": [TRANSACTION]}),
            a_refusal_body(),
            a_reply_body(
                profile={
                    "account_id": "a",
                    "status": "active",
                    "email": "a@example.com",
                    "first_name": "A",
                    "last_name": "B",
                    "marketing_consent": False,
                    "date_of_birth": "2000-01-31",
                    "opened_at": "2030-01-01T12:00:00.000Z",
                }
            ),
        ],
        ids=["page", "refusal", "profile"],
    )
    def test_is_what_the_service_published(self, given: dict[str, Any]) -> None:
        assert json.loads(json.dumps(as_json(a_reply(given)))) == given

    def test_names_fields_as_the_contract_does(self) -> None:
        query = checked(ListTransactions, body("alice", **{"from": "2030-01-01T00:00:00Z"}))

        assert as_json(query)["from"] == "2030-01-01T00:00:00.000Z"


class TestChecked:
    def test_says_what_is_wrong_in_one_line_each(self) -> None:
        said = Problem.NOT_A_TIME.sentence.removesuffix(".").replace("Write", "write")

        with pytest.raises(CliError) as caught:
            checked(ListTransactions, body("al ice", **{"from": "yesterday", "currency": "usd"}))

        assert caught.value.problems == (
            "username: write it like alice",
            "currency: write it like USD",
            f"from: {said}",
        )

    def test_leaves_out_what_was_not_given(self) -> None:
        assert "currency" not in body("alice", currency=None)


class TestShowRefusal:
    def test_says_why_and_when_to_try_again(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(typer.Exit) as caught:
            show_refusal(a_reply(a_refusal_body()))

        assert caught.value.exit_code == 3
        assert capsys.readouterr().out.splitlines() == [
            "✗ rejected  list-transactions of alice",
            "  code        too_many_attempts",
            "  reason      D",
            "  try again   in 8 s",
        ]

    def test_gives_programs_the_reply(self, capsys: pytest.CaptureFixture[str]) -> None:
        choose(Format.JSON)

        with pytest.raises(typer.Exit):
            show_refusal(a_reply(a_refusal_body()))

        assert json.loads(capsys.readouterr().out) == a_refusal_body()


class TestShowUndecided:
    def test_shows_a_status_of_a_later_release_as_it_is(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(typer.Exit) as caught:
            show_undecided(a_reply(a_reply_body(status="scheduled")))

        assert caught.value.exit_code == 4
        assert capsys.readouterr().out.startswith("? scheduled  list-transactions of alice")


class TestShowNoAnswer:
    def test_is_no_answer_on_standard_output(self, capsys: pytest.CaptureFixture[str]) -> None:
        question = GetBalance(request_id="r-1", username="alice")

        with pytest.raises(typer.Exit) as caught:
            show_no_answer(NoAnswerError(question, "no answer within 1 s"))

        shown = capsys.readouterr()
        assert caught.value.exit_code == 4
        assert shown.out == ""
        assert "? no answer  get-balance of alice" in shown.err

    def test_tells_programs_the_same(self, capsys: pytest.CaptureFixture[str]) -> None:
        choose(Format.JSON)
        question = GetBalance(request_id="r-1", username="alice")

        with pytest.raises(typer.Exit):
            show_no_answer(NoAnswerError(question, "no answer within 1 s"))

        assert json.loads(capsys.readouterr().out) == {
            "status": "unknown",
            "type": "get-balance",
            "request_id": "r-1",
            "username": "alice",
        }


class TestWatchedReplies:
    def shown(self, topic: str, said: dict[str, Any]) -> str:
        watched = Watched(topic=topic, timestamp_ms=0, key="alice", headers={}, body=said)
        return " ".join(line(watched).plain.split()[1:])

    def test_a_reply_is_told_from_a_result(self) -> None:
        shown = self.shown("results", a_refusal_body())

        assert shown == "results alice ✗ list-transactions too_many_attempts: D r-1"

    def test_a_status_of_a_later_release_is_neither(self) -> None:
        shown = self.shown("results", a_reply_body(status="scheduled"))

        assert shown == "results alice ? list-transactions r-1"

    def test_a_revocation_says_whose_and_until_when(self) -> None:
        said = {"reason": "logout", "username": "alice", "expires_at": "2030-01-01T12:00:00.000Z"}

        shown = self.shown("revocations", said)

        assert shown == "revocations alice logout alice until 2030-01-01T12:00:00.000Z"
