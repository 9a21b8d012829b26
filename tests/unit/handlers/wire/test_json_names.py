"""A name that stands twice in a JSON object is found, however it is written, and no other."""

import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.wire.json_names import repeats_a_name

ONCE = (
    b"{}",
    b'{"a":1}',
    b'{"a": "b:c", "d": ":"}',
    b'{"a": {"a": 1, "b": 2}, "b": {"a": 1}}',
    b'{"a": [{"b": 1}, {"b": 1}]}',
    b'{"a": "\\":", "b": 1}',
    b'{"a": NaN, "b": 1}',
)
TWICE = (
    b'{"a":1,"a":1}',
    b'{"a":1,"a":2}',
    b'{"a" :1,"b":1,"a"\n:2}',
    b'{"a":1,"\\u0061":2}',
    b'{"b":{"a":1,"a":2}}',
    b'{"b":[{"a":1,"a":2}]}',
    b'{"b":":","a":1,"a":2}',
)


def read(text: bytes) -> int:
    return len(json.loads(text))


@pytest.mark.parametrize("text", ONCE)
def test_each_name_once_is_right(text: bytes) -> None:
    assert not repeats_a_name(text, read(text))


@pytest.mark.parametrize("text", TWICE)
def test_one_twice_is_found(text: bytes) -> None:
    assert repeats_a_name(text, read(text))


objects = st.recursive(
    st.text('ab":\\ ', max_size=4) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(st.text('ab":\\', max_size=2), inner), max_size=4).map(tuple)
    ),
    max_leaves=12,
)


def written(value: object) -> str:
    """Return JSON; a tuple is an object as pairs, so that a name may stand twice."""
    if isinstance(value, tuple):
        pairs = cast("tuple[tuple[str, object], ...]", value)
        return "{" + ", ".join(f"{json.dumps(n)} : {written(v)}" for n, v in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(each) for each in cast("list[object]", value)) + "]"
    return json.dumps(value)


def has_twice(text: str) -> bool:
    """Return what the standard library finds, reading in its own way."""
    found: list[bool] = []

    def pairs(told: list[tuple[str, object]]) -> dict[str, object]:
        found.append(len(dict(told)) != len(told))
        return dict(told)

    json.loads(text, object_pairs_hook=pairs)
    return any(found)


@given(st.lists(st.tuples(st.text('ab":\\', max_size=2), objects), max_size=5))
def test_agrees_with_another_reader(pairs: list[tuple[str, object]]) -> None:
    text = written(tuple(pairs))

    assert repeats_a_name(text.encode(), read(text.encode())) is has_twice(text)
