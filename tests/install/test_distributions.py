"""Both distributions, built by one command and installed each alone."""

import asyncio
import json
import re
import sys
import tarfile
import textwrap
from pathlib import Path

import pytest

from distributions.client.hatch_build import renamed_in
from tests.e2e.caller import Caller
from tests.e2e.entries import moved, posted
from tests.e2e.running import RunningService
from tests.install.alone import Alone, install_alone, run
from tests.install.built import PROJECT, VERSION, Built
from tests.places import REPOSITORY

CLIENT = REPOSITORY / "distributions" / "client"
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["packages"]
STRANGERS_LINES_MAX = 8
NAMES = ["accounts", "accounts_client"]

EVERY_MODULE = """
import importlib, pkgutil, sys
import accounts_client
found = pkgutil.walk_packages(accounts_client.__path__, "accounts_client.", onerror=lambda _: None)
names = [one.name for one in found if not one.name.startswith("accounts_client.testing")]
print(len([importlib.import_module(name) for name in names]))
print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])
"""

A_TEST_OF_OTHERS = """
import sys
from accounts_client import InsufficientFundsError, PasswordRefusedError
from accounts_client.testing import SyncFakeAccounts
with SyncFakeAccounts() as accounts:
    accounts.register("alice", "correct horse battery staple", email="a@example.com",
                      first_name="A", last_name="L")
    accounts.login("alice", "correct horse battery staple")
    try:
        accounts.register("bob", "password1", email="b@example.com", first_name="B", last_name="B")
    except PasswordRefusedError as error:
        print(error.error.code)
    accounts.deposit("alice", "10.50", "USD")
    try:
        accounts.withdraw("alice", "10.51", "USD")
    except InsufficientFundsError as error:
        print(error.error.code)
    print(accounts.balance("alice", "USD").available)
print([name for name in sys.argv[1:] if name in sys.modules])
"""

BOTH = """
import accounts_client, client
from accounts_client import AccountsClient
assert AccountsClient.__module__ == "accounts_client.accounts"
assert client.AccountsClient.__module__ == "client.accounts"
"""


@pytest.fixture(scope="module")
def client(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    return install_alone(
        tmp_path_factory.mktemp("client"), built.wheel("accounts_client"), "client.txt"
    )


@pytest.fixture(scope="module")
def client_testing(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """Return what `pip install accounts-client[testing]` makes."""
    folder = tmp_path_factory.mktemp("testing")
    return install_alone(folder, built.wheel("accounts_client"), "client-testing.txt")


@pytest.fixture(scope="module")
def worker(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    return install_alone(tmp_path_factory.mktemp("worker"), built.wheel("accounts"), "worker.txt")


def program_of_the_readme(bootstrap: str, username: str) -> str:
    """Return the example of the client's README as a program that prints the result."""
    [block] = re.findall(r"```python\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
    imports, _, body = block.partition("\n\n")
    assert '"localhost:9092"' in body
    assert '"alice"' in body
    body = body.replace('"localhost:9092"', bootstrap).replace("alice", username)
    main = f"async def main() -> None:\n{textwrap.indent(body, '    ')}"
    return f"import asyncio\n{imports}\n{main}    print(result.model_dump_json())\nasyncio.run(main())\n"


def test_one_command_builds_both(built: Built) -> None:
    files = {one(name) for name in NAMES for one in (built.wheel, built.sdist)}

    assert set(built.folder.glob("*.*")) == files


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_of_the_sdist_is_the_same_byte_for_byte(
    built: Built, name: str, tmp_path: Path
) -> None:
    """In another folder, from files of another time."""
    with tarfile.open(built.sdist(name)) as archive:
        archive.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    ended = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], folder)

    assert ended.returncode == 0, ended
    [wheel] = (folder / "dist").iterdir()
    assert wheel.name == built.wheel(name).name
    assert wheel.read_bytes() == built.wheel(name).read_bytes()


def test_an_editable_install_of_the_client_is_refused(tmp_path: Path) -> None:
    """It would hold copies, which follow no change."""
    words = ["build", "-t", "wheel:editable", "-d", str(tmp_path)]

    ended = run([sys.executable, "-m", "hatchling", *words], CLIENT)

    assert ended.returncode != 0
    assert "install it without -e" in ended.stderr


def test_the_client_is_one_name_and_no_script(client: Alone) -> None:
    assert client.names == {"accounts_client", f"accounts_client-{VERSION}.dist-info"}
    assert client.scripts == set()


def test_the_service_is_its_packages_and_its_command(worker: Alone) -> None:
    assert worker.names == {*PACKAGES, f"accounts-{VERSION}.dist-info"}
    assert worker.scripts == {"accounts"}


@pytest.mark.parametrize("alone", ["client", "worker"])
def test_what_is_installed_has_all_it_requires_and_its_licence(
    request: pytest.FixtureRequest, alone: str
) -> None:
    environment: Alone = request.getfixturevalue(alone)
    [information] = [name for name in environment.names if name.endswith(".dist-info")]
    licence = environment.packages / information / "licenses" / "LICENSE"

    checked = environment.pip("check")

    assert checked.returncode == 0, checked
    assert licence.read_text() == (REPOSITORY / "LICENSE").read_text()


def test_every_module_of_the_client_loads_without_the_service(client: Alone) -> None:
    ours = [path for name in ("client", "contracts") for path in (REPOSITORY / name).rglob("*.py")]
    ours = [path for path in ours if path.parent.name != "testing"]

    ended = client.run("python", "-c", EVERY_MODULE, *PACKAGES)

    assert ended.stdout.splitlines() == [str(len(ours) - 1), "[]"], ended


def test_the_fake_needs_its_extra_alone(client_testing: Alone) -> None:
    """None of the service's packages, and no library of a server."""
    never = [*PACKAGES, "faststream", "pymongo", "motor", "redis", "starlette"]

    ended = client_testing.run("python", "-W", "error", "-c", A_TEST_OF_OTHERS, *never)

    assert ended.stdout.splitlines() == ["password_common", "insufficient_funds", "10.50", "[]"], (
        ended
    )


def test_the_examples_need_nothing_else(client: Alone, tmp_path: Path) -> None:
    """Beside those in folders of their own."""
    examples = sorted((REPOSITORY / "examples").glob("*.py"))
    for path in examples:
        (tmp_path / path.name).write_bytes(renamed_in(path.read_bytes(), str(path)))

    words = ["-c", "; ".join(f"import {path.stem}" for path in examples)]
    ended = client.run("python", *words, PYTHONPATH=str(tmp_path))

    assert examples
    assert ended.returncode == 0, ended


def test_the_service_starts(worker: Alone) -> None:
    ended = worker.run("accounts", "--version")

    assert ended.returncode == 0, ended
    assert VERSION in ended.stdout


def test_both_may_be_installed_side_by_side(client: Alone, worker: Alone) -> None:
    ended = worker.run("python", "-c", BOTH, PYTHONPATH=str(client.packages))

    assert ended.returncode == 0, ended
    assert client.names.isdisjoint(worker.names)


def test_type_checkers_find_the_types_of_the_client(client: Alone, tmp_path: Path) -> None:
    right = "# pyright: strict\n" + program_of_the_readme('"localhost:9092"', "alice")
    (tmp_path / "right.py").write_text(right)
    (tmp_path / "wrong.py").write_text(right.replace('"10.50"', "10.50"))

    words = ["--pythonpath", str(client.python), "--outputjson", "right.py", "wrong.py"]
    ended = run(
        [sys.executable, "-m", "pyright", *words], tmp_path, PYRIGHT_PYTHON_IGNORE_WARNINGS="1"
    )

    found = json.loads(ended.stdout)["generalDiagnostics"]
    assert [(Path(one["file"]).name, one["rule"]) for one in found] == [
        ("wrong.py", "reportArgumentType")
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_client_sends_a_command_and_gets_its_answer(
    client: Alone, service: RunningService, caller: Caller
) -> None:
    username = await caller.a_user("100.00")
    where = f'"{service.addresses.kafka}", topic_prefix="{service.prefix}"'
    program = program_of_the_readme(where, username)

    ended = await asyncio.to_thread(client.run, "python", "-c", program)

    assert ended.returncode == 0, ended
    result = json.loads(ended.stdout)
    assert result["status"] == "accepted"
    assert (moved(result["entry"]), posted(result["entry"])) == ("10.50", "110.50")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stranger_deposits_in_eight_lines(client: Alone, service: RunningService) -> None:
    """Those that the page about the client begins with."""
    page = (REPOSITORY / "docs" / "client.md").read_text()
    first, *_ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    where = f'"{service.addresses.kafka}", topic_prefix="{service.prefix}"'
    program = first.replace('"localhost:9092"', where).replace("alice", "stranger")

    words = ["-c", f"{program}print(result.status)"]
    ended = await asyncio.to_thread(client.run, "python", *words)

    assert len(first.strip().splitlines()) <= STRANGERS_LINES_MAX
    assert (ended.stdout, ended.returncode) == ("accepted\n", 0), ended
