"""What load balancers ask: is it well. What else operators ask is not for the public (`operations`)."""

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from examples.gateway.gateway import TheGateway
from examples.gateway.key_set import KeySet, KeysMissingError

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """Whether requests can be served."""

    status: Literal["ok", "unavailable"]
    keys: bool = Field(description="The keys of whoever issues the tokens are known.")
    revocations: bool | None = Field(
        default=None,
        description="All sessions that ended are known here; absent where users sign in elsewhere, "
        "and nothing tells.",
    )


@router.get(
    "/health",
    responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": Health}},
    response_model_exclude_none=True,
)
async def health(gateway: TheGateway, response: Response) -> Health:
    """Say whether requests can be served."""
    keys = await _are_known(gateway.tokens.keys)
    if gateway.sealing_keys is not None:
        keys = await _are_known(gateway.sealing_keys) and keys
    revocations = gateway.tokens.knows_what_ended
    well = keys and revocations is not False
    if not well:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Health(status="ok" if well else "unavailable", keys=keys, revocations=revocations)


async def _are_known(keys: KeySet) -> bool:
    try:
        await keys.current()
    except KeysMissingError:
        return False
    return True
