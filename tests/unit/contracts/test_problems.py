"""Every problem has a key of ours and a sentence; none has a name of the library that found it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from contract_docs.document import document
from contract_docs.page.rendering import render
from contracts import topics
from contracts.commands import COMMANDS
from contracts.problems import Problem, field_error, in_short, problem_of
from contracts.requests import REQUESTS
from contracts.results import FieldError
from contracts.topics import TopicSpec
from tests.unit.raw import COMMAND_BODIES
from tests.unit.workers.requests.test_parsing import BODIES as REQUEST_BODIES
from workers.batches.unreadable import field_errors

MODELS: Mapping[TopicSpec, type[BaseModel]] = {**COMMANDS, **REQUESTS}
BODIES: Mapping[TopicSpec, Mapping[str, Any]] = {
    **COMMAND_BODIES,
    **REQUEST_BODIES,
}

text = st.text("aZ0é$.:-\n\x00", max_size=140)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=20),
    max_leaves=25,
)


def problems(topic: TopicSpec, value: bytes) -> list[dict[str, str]]:
    model = MODELS[topic]
    try:
        model.model_validate_json(value)
    except ValidationError as error:
        return field_errors(model, error)
    return []


@given(topic=st.sampled_from(list(MODELS)), data=st.data())
def test_whatever_is_wrong_has_a_key_of_its_own(topic: TopicSpec, data: st.DataObject) -> None:
    names = [*(f.alias or n for n, f in MODELS[topic].model_fields.items()), "$where"]
    changed = data.draw(st.dictionaries(st.sampled_from(names), anything, max_size=3))
    dropped = data.draw(st.none() | st.sampled_from(list(BODIES[topic])))
    body = {**BODIES[topic], **changed}
    body.pop(dropped, None) if dropped else None

    found = problems(topic, json.dumps(body).encode())

    assert Problem.INVALID not in {each["problem"] for each in found}
    assert all(each == field_error(each["field"], Problem(each["problem"])) for each in found)


def is_an_object(value: bytes) -> bool:
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False


@given(value=st.binary(max_size=64))
def test_so_have_bytes_that_are_no_json(value: bytes) -> None:
    assume(not is_an_object(value))  # `{}` is one that comes up
    [found, *_] = problems(topics.DEPOSIT, value)

    assert found["problem"] in {Problem.NOT_JSON, Problem.WRONG_TYPE}


@pytest.mark.parametrize(
    ("topic", "changed", "problem"),
    [
        (topics.DEPOSIT, {"amount": 5}, Problem.WRONG_TYPE),
        (topics.DEPOSIT, {"amount": "1e3"}, Problem.MALFORMED),
        (topics.DEPOSIT, {"surprise": 5}, Problem.UNKNOWN_FIELD),
        (topics.DEPOSIT, {"reason": ""}, Problem.TOO_SHORT),
        (topics.DEPOSIT, {"reason": "x" * 129}, Problem.TOO_LONG),
        (topics.DEPOSIT, {"metadata": {str(n): "" for n in range(17)}}, Problem.TOO_MANY),
        (topics.DEPOSIT, {"metadata": {"a": "x" * 2048}}, Problem.TOO_LONG),
        (topics.DEPOSIT, {"expires_at": "2030-02-30T00:00:00Z"}, Problem.NOT_A_TIME),
        (topics.DEPOSIT, {"expires_at": "0001-01-01T00:00:00+12:00"}, Problem.NOT_A_TIME),
        (topics.LIST_TRANSACTIONS, {"kind": "stolen"}, Problem.NOT_ONE_OF),
        (topics.LIST_TRANSACTIONS, {"limit": 0}, Problem.TOO_SMALL),
        (topics.LIST_TRANSACTIONS, {"limit": 201}, Problem.TOO_LARGE),
        (topics.LIST_TRANSACTIONS, {"limit": 2**70}, Problem.TOO_LARGE),
        (topics.LIST_TRANSACTIONS, {"limit": 0.5}, Problem.WRONG_TYPE),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_by_its_key(
    topic: TopicSpec, changed: dict[str, Any], problem: Problem
) -> None:
    [found] = problems(topic, json.dumps({**BODIES[topic], **changed}).encode())

    assert found["problem"] == problem


def test_what_is_missing_is_told() -> None:
    assert {each["problem"] for each in problems(topics.DEPOSIT, b"{}")} == {Problem.MISSING}


@pytest.mark.parametrize("unknown", ["something_new", "value_error"])
def test_what_the_library_may_find_one_day_is_no_name_of_its_own(unknown: str) -> None:
    assert problem_of(unknown) is Problem.INVALID


@pytest.mark.parametrize("problem", Problem)
def test_each_has_a_sentence_and_stands_where_people_look(problem: Problem) -> None:
    contract = document()
    described = contract["components"]["schemas"]["Problem"]

    assert problem.sentence.endswith(".")
    assert {"problem": problem.value, "meaning": problem.sentence} in described["x-problems"]
    assert f'id="problem-{problem}"' in render(contract)


def test_a_reader_takes_a_key_that_it_does_not_know() -> None:
    told = FieldError.model_validate({"field": "amount", "problem": "invented_later"})

    assert (told.problem, told.detail) == ("invented_later", None)


def test_all_of_them_fit_into_one_line() -> None:
    found = [field_error("amount", Problem.MISSING), field_error("currency", Problem.MALFORMED)]

    assert in_short(found) == "amount: missing; currency: malformed"
