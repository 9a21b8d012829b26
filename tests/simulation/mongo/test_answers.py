"""What goes wrong on the way reaches our code from the simulated driver as it does from PyMongo."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pymongo
import pytest
from pymongo.errors import AutoReconnect, PyMongoError

from devstack.choose import Chosen
from storage.mongo.documents.accounts import Document
from tests.ports.fail_points import DONE, NOT_DONE, failing
from tests.simulation.mongo.refusals import TRANSIENT
from tests.simulation.mongo.sides import TIMEOUT_MS, RealSide, SimulatedSide, both, read_all
from tests.simulation.mongo.wire import (
    RETRYABLE,
    BrokenError,
    LateError,
    ToldError,
    call,
)
from tests.simulation.network import Fate, Said

pytestmark = pytest.mark.mongo

ENDING = ("the primary stepped down", "shutting down")
"""The server itself labels these."""

INSERT: Document = {"insert": "c", "documents": [{"_id": "a"}]}


@pytest.fixture
def sides(stack: Chosen) -> Iterator[tuple[SimulatedSide, RealSide]]:
    """Yield both servers, with an empty collection."""
    with (
        pymongo.MongoClient[Document](
            f"{stack.addresses.mongodb}&heartbeatFrequencyMS=500",
            appname="accounts",
            timeoutMS=10 * TIMEOUT_MS,
        ) as client,
        both(client) as pair,
    ):
        for side in pair:
            side.say("-", {"create": "c"})
        yield pair


def position(operation: str, answer: Mapping[str, Any], *, in_transaction: bool) -> int:
    """Return which of the errors of a call it is that a fail point makes of *answer*."""
    known = call(operation, in_transaction=in_transaction)
    told = labels(operation, answer, in_transaction=in_transaction)
    code = answer.get("errorCode") or answer.get("writeConcernError", {}).get("code")
    for place, make in enumerate((*known.errors, *known.refusals)):
        match make():
            case BrokenError(error=AutoReconnect(), lasts=False):
                found = "closeConnection" in answer
            case ToldError(reply=reply):
                found = reply["code"] == code and set(reply.get("errorLabels", ())) == told
                found = found and "errorCode" in answer
            case LateError(error=error) as late:
                found = error["code"] == code and set(late.labels) == told
                found = found and "writeConcernError" in answer
            case _:
                found = False
        if found:
            return place
    raise AssertionError(answer)


def labels(operation: str, answer: Mapping[str, Any], *, in_transaction: bool) -> set[str]:
    told = set(answer.get("errorLabels", ()))
    code = answer.get("errorCode") or answer.get("writeConcernError", {}).get("code")
    if code in (91, 189):
        if operation == "commitTransaction":
            told.add(RETRYABLE)
        elif in_transaction:
            told.add(TRANSIENT)
    return told


def outcome(ask: Callable[[], Any]) -> Any:
    """Return what our code can tell apart."""
    try:
        reply: Document = ask() or {}
        return {name: each for name, each in reply.items() if name in ("n", "writeConcernError")}
    except PyMongoError as error:
        details: Mapping[str, Any] = getattr(error, "details", None) or {}
        return (
            type(error).__name__,
            getattr(error, "code", None),
            sorted(error._error_labels),  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            sorted(details.get("errorLabels", ())),
            bool(details.get("writeConcernError")),
        )


ROWS = [*((True, name) for name in DONE), *((False, name) for name in NOT_DONE)]


@pytest.mark.parametrize(("done", "name"), ROWS)
def test_a_commit(
    sides: tuple[SimulatedSide, RealSide], stack: Chosen, name: str, *, done: bool
) -> None:
    simulated, real = sides
    answer = dict((DONE if done else NOT_DONE)[name])
    error = position("commitTransaction", answer, in_transaction=True)
    for side in sides:
        side.say("a", INSERT)

    with failing(stack.addresses.mongodb, "commitTransaction", answer, times=1):
        expected = [outcome(lambda: real.said("a", "commit"))]
    simulated.fates.operation = "commitTransaction"
    simulated.fates.fates = [Fate(done=done, said=Said.ERROR, error=error)]
    found = [outcome(lambda: simulated.run("a", "commit"))]

    for said, side in ((expected, real), (found, simulated)):
        said.append(side.say("a", "commit"))
        said += [side.say(*step) for step in read_all("c")]
    assert found == expected


@pytest.mark.parametrize("name", NOT_DONE)
@pytest.mark.parametrize("command", [INSERT, {"find": "c", "limit": 1}])
@pytest.mark.parametrize("who", ["a", "-"])
def test_a_command(
    sides: tuple[SimulatedSide, RealSide], stack: Chosen, who: str, command: Document, name: str
) -> None:
    simulated, real = sides
    answer = dict(NOT_DONE[name])
    operation = next(iter(command))
    if who == "-" and "errorLabels" in answer:
        pytest.skip("a conflict outside of a transaction is the server's own affair")
    error = position(operation, answer, in_transaction=who != "-")

    with failing(stack.addresses.mongodb, operation, answer, times=1):
        expected = outcome(lambda: real.said(who, command))
    simulated.fates.operation = operation
    simulated.fates.fates = [Fate(done=False, said=Said.ERROR, error=error)]

    assert outcome(lambda: simulated.run(who, command)) == expected


@pytest.mark.parametrize("name", DONE)
def test_a_write_that_could_not_be_awaited(
    sides: tuple[SimulatedSide, RealSide], stack: Chosen, name: str
) -> None:
    simulated, real = sides
    answer = dict(DONE[name])
    error = position("insert", answer, in_transaction=False)

    with failing(stack.addresses.mongodb, "insert", answer, times=1):
        expected = outcome(lambda: real.said("-", INSERT))
    simulated.fates.operation = "insert"
    simulated.fates.fates = [Fate(said=Said.ERROR, error=error)]
    found = outcome(lambda: simulated.run("-", INSERT))

    for said in (expected, found):
        for words in ("errmsg", "errInfo"):
            said["writeConcernError"].pop(words, None)
    assert found == expected


def test_an_abort_says_nothing(sides: tuple[SimulatedSide, RealSide], stack: Chosen) -> None:
    simulated, real = sides
    for side in sides:
        side.say("a", INSERT)

    with failing(stack.addresses.mongodb, "abortTransaction", NOT_DONE["interrupted"], times=1):
        real.said("a", "abort")
    error = position("abortTransaction", NOT_DONE["interrupted"], in_transaction=True)
    simulated.fates.operation = "abortTransaction"
    simulated.fates.fates = [Fate(done=False, said=Said.ERROR, error=error)]
    simulated.run("a", "abort")

    for side in sides:
        side.say("b", {"find": "c"})
        assert side.say("b", INSERT)[1] == 112  # nothing was undone: it is in the way
        side.say("-", {"killAllSessions": []})


def test_nobody_answers(sides: tuple[SimulatedSide, RealSide]) -> None:
    """Nothing to compare with: the real server would have to be stopped."""
    simulated, _ = sides
    simulated.say("a", INSERT)
    simulated.fates.operation = "commitTransaction"
    simulated.fates.fates = [Fate(before_s=0.6)]

    kind, code, labels, *_ = outcome(lambda: simulated.run("a", "commit"))

    assert (kind, code) == ("NetworkTimeout", None)
    assert labels == [RETRYABLE, "UnknownTransactionCommitResult"]
    assert simulated.say("a", "commit") is None
