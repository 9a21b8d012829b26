"""What load balancers ask: is it well. What else operators ask is not for the public (`operations`)."""

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from examples.gateway.gateway import TheGateway
from examples.gateway.key_set import KeysMissingError

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """Whether requests can be served."""

    status: Literal["ok", "unavailable"]
    keys: bool
    """The service's keys are known."""
    revocations: bool
    """All that is known about ended sessions is known here."""


@router.get("/health", responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": Health}})
async def health(gateway: TheGateway, response: Response) -> Health:
    """Say whether requests can be served."""
    try:
        await gateway.keys.current()
        await gateway.sealing_keys.current()
        keys = True
    except KeysMissingError:
        keys = False
    well = keys and gateway.ended.is_current
    if not well:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Health(
        status="ok" if well else "unavailable", keys=keys, revocations=gateway.ended.is_current
    )
