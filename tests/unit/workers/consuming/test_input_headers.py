"""P10: the headers of an input are used where they are what they should be, and else are absent."""

import pytest

from handlers.model.input_records import CommandRecord
from tests.received import PREFIX
from tests.unit.raw import a_raw
from workers.batches.parsing import CommandParser
from workers.consuming.records import Raw

PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def command(record: Raw) -> CommandRecord:
    found = CommandParser(PREFIX).parse(record)
    assert isinstance(found, CommandRecord)
    return found


@pytest.mark.parametrize(
    ("value", "kept"),
    [(b"a" * 127, True), (b"a" * 128, True), (b"a" * 129, False), (None, False)],
)
def test_longer_than_allowed_or_null_are_as_good_as_absent(
    value: bytes | None, *, kept: bool
) -> None:
    found = command(a_raw(headers=[("actor", value)]))

    assert (found.actor is not None) is kept


@pytest.mark.parametrize("value", [b"\xff\xfe", b"a\nb", b"a\x00", b""])
def test_that_are_no_plain_text_are_as_good_as_absent(value: bytes) -> None:
    found = command(a_raw(headers=[("actor", value), ("reply_to", value)]))

    assert (found.actor, found.reply_to) == (None, None)


def test_correlation_falls_back_to_the_command_id_where_it_is_no_ascii() -> None:
    found = command(a_raw(headers=[("correlation_id", "ö".encode())]))

    assert found.trace.correlation_id == "c-1"


@pytest.mark.parametrize(
    "actor", ["\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\U000323b0", "\u5c71\u3000\u7530"]
)
def test_are_text_as_people_write_it(actor: str) -> None:
    assert command(a_raw(headers=[("actor", actor.encode())])).actor == actor


@pytest.mark.parametrize(
    "parent",
    [
        *(PARENT[:-1], PARENT.upper(), "x" * 55, PARENT + "0"),
        "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "a" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "a" * 32 + "-" + "b" * 16 + "-01",
    ],
)
def test_a_trace_without_a_valid_parent_is_no_trace(parent: str) -> None:
    headers = [("traceparent", parent.encode()), ("tracestate", b"a=b")]

    trace = command(a_raw(headers=headers)).trace

    assert (trace.traceparent, trace.tracestate) == (None, None)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("a=b", True),
        ("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE", True),
        ("fw529a3039@dt=FfffffyA,,", True),
        ("a/b_c*d-e=x y", True),
        (",".join(f"k{number}=v" for number in range(32)), True),
        (",".join(f"k{number}=v" for number in range(33)), False),
        *((state, False) for state in ("a", "a=", "=b", "A=b", "a=b=c", "a=b,a=c", "a=\xe9", ",")),
    ],
)
def test_a_state_that_is_none_is_not_passed_on(state: str, *, kept: bool) -> None:
    headers = [("traceparent", PARENT.encode()), ("tracestate", state.encode())]

    trace = command(a_raw(headers=headers)).trace

    assert (trace.traceparent, trace.tracestate) == (PARENT, state if kept else None)
