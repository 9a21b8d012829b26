"""deploy/mongodb_users.py grants what docs/access.md says; tests/ports/test_mongo_users.py tries it."""

import re
import runpy
from collections.abc import Mapping

import pytest

from storage.mongo.schema import COLLECTIONS
from tests.places import REPOSITORY
from tests.unit.docs_tables import ACCESS
from workers.config.roles import Role

RIGHTS: Mapping[str, Mapping[str, tuple[str, ...]]] = runpy.run_path(
    str(REPOSITORY / "deploy/mongodb_users.py")
)["RIGHTS"]


def cell(role: str) -> str:
    """Return what the table says of *role* in MongoDB."""
    row = re.search(rf"^\| {role}\b.*$", ACCESS.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    return row[0].split(" | ")[2]


def test_every_worker_has_rights() -> None:
    assert {role.value for role in Role} <= RIGHTS.keys()


@pytest.mark.parametrize("role", RIGHTS)
def test_the_table_names_the_collections_that_the_script_grants(role: str) -> None:
    named = set(re.findall(r"`(\w+)`", cell(role)))

    assert named == RIGHTS[role].keys() - {""}
    assert ("all" in cell(role).split(";")[0]) == ("find" in RIGHTS[role].get("", ()))
    assert ("makes collections" in cell(role) or "writes all" in cell(role)) == (
        "createIndex" in RIGHTS[role].get("", ())
    )


def test_every_collection_has_somebody_who_writes_it() -> None:
    workers = [RIGHTS[role.value] for role in Role]
    written = {name for each in workers for name, may in each.items() if "insert" in may}

    assert written | {"repairs"} == set(COLLECTIONS), "repairs are the repairer's"
