"""Writes answers as the contract writes messages: times in UTC, with milliseconds."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from http import HTTPStatus

from fastapi import Response
from pydantic import BaseModel

from contracts.message import rfc3339


def answer(
    model: BaseModel, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return *model* as JSON, without the fields that are not there.

    Left to itself, pydantic writes microseconds, or no fraction where it is zero.
    """
    said = model.model_dump(exclude_none=True)
    content = json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=_written)
    return Response(content, status, headers, "application/json")


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    assert isinstance(value, date), f"no way to write {type(value).__name__}"
    return value.isoformat()
