"""Both servers, for the tests that compare them."""

from collections.abc import Iterator

import pymongo
import pytest

from devstack.choose import Chosen
from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.kinds import SOME
from tests.simulation.mongo.sides import RealSide, SimulatedSide, both, compare, plainly


@pytest.fixture
def sides(stack: Chosen) -> Iterator[tuple[SimulatedSide, RealSide]]:
    """Yield both servers, with some documents in them."""
    with pymongo.MongoClient[Document](stack.addresses.mongodb) as client, both(client) as pair:
        compare(pair, [plainly({"insert": "c", "documents": SOME})])
        yield pair
