"""Groups of options become options, and arrive as groups again."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer

from cli.arguments.option_groups import add_command
from cli.arguments.send_options import OptionalProfile, Remarks, given


@dataclass(frozen=True, kw_only=True)
class Delivery:
    name: Annotated[str | None, typer.Option("--id")] = None
    quick: Annotated[bool, typer.Option("--quick")] = False


@dataclass(frozen=True, kw_only=True)
class Named:
    first: Annotated[str, typer.Option("--first")]


class Recorder:
    """An application of two commands, and what they were called with."""

    def __init__(self) -> None:
        self.app = typer.Typer(rich_markup_mode=None)
        self.calls: list[tuple[object, ...]] = []

        def pay(
            user: Annotated[str, typer.Argument()],
            named: Named,
            delivery: Delivery,
            *,
            note: Annotated[str, typer.Option("--note")] = "-",
        ) -> None:
            """Pay somebody."""
            self.calls.append((user, named, delivery, note))

        def rest(delivery: Delivery) -> None:
            """Do nothing."""
            self.calls.append((delivery,))

        add_command(self.app, "pay", pay)
        add_command(self.app, "rest", rest)

    def run(self, *arguments: str) -> None:
        self.app([*arguments], standalone_mode=False)


class TestAddCommand:
    def test_gives_each_group_its_options(self) -> None:
        recorder = Recorder()

        recorder.run("pay", "alice", "--id", "c-1", "--first", "A", "--quick", "--note", "n")

        expected = ("alice", Named(first="A"), Delivery(name="c-1", quick=True), "n")
        assert recorder.calls == [expected]

    def test_keeps_the_defaults_of_a_group(self) -> None:
        recorder = Recorder()

        recorder.run("rest")

        assert recorder.calls == [(Delivery(name=None, quick=False),)]

    def test_requires_what_has_no_default(self) -> None:
        recorder = Recorder()

        with pytest.raises(typer.TyperException, match="first"):
            recorder.run("pay", "alice")


class TestGiven:
    def test_leaves_out_what_was_not_given(self) -> None:
        found = given(Remarks(reason="r"), OptionalProfile(marketing_consent=False))

        assert found == {"reason": "r", "marketing_consent": False}
