"""Each example in another language does what the document says, here and at a later release."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from client.partitioning import hash_of
from tests.e2e.caller import a_name
from tests.e2e.cli_process import Program
from tests.e2e.running import RunningService
from tests.foreign_clients.next_release import PARTITIONS, NextRelease, a_next_release
from tests.foreign_clients.programs import PROGRAMS
from tests.foreign_clients.sealed_answers import ANSWERS

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN_MAX_S = 240.0
"""Far more than any takes on a machine that others keep busy."""
LATE = "alice"
KEYS = [LATE, "x" * 128, "auth0|5f7c8ec7c33c6c004bbafe82"]
USERNAMES = [*KEYS, *ANSWERS]

TINY = "-0.000000000000000001"

Argv = Sequence[str | Path]


@dataclass(frozen=True)
class Played:
    """What a program said to a service, and to a later release of it."""

    username: str
    here: list[str]
    later: list[str]


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[Argv]]]:
    """Begin to build all, before the service is there."""
    folder = tmp_path_factory.mktemp("programs")
    with ThreadPoolExecutor(len(PROGRAMS)) as pool:
        yield {name: pool.submit(build, folder) for name, build in PROGRAMS.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def later(building: Any, service: RunningService) -> Any:
    del building
    async with a_next_release(service, USERNAMES) as release:
        yield release


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(
    building: Mapping[str, Future[Argv]], service: RunningService, later: NextRelease
) -> Mapping[str, Played | BaseException]:
    """Let all of them play at the same time."""

    async def play(name: str) -> Played:
        argv, username = await asyncio.wrap_future(building[name]), a_name(name)
        said = await asyncio.gather(
            run(service, service.prefix, argv, [username]),
            run(service, later.topics, argv, USERNAMES),
        )
        return Played(username, *said)

    all_of_them = await asyncio.gather(*map(play, PROGRAMS), return_exceptions=True)
    return dict(zip(PROGRAMS, all_of_them, strict=True))


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest, played: Mapping[str, Played | BaseException]) -> Played:
    found = played[request.param]
    if isinstance(found, BaseException):
        raise found
    return found


async def run(
    service: RunningService, topics: str, argv: Argv, usernames: Sequence[str]
) -> list[str]:
    """Return what a program says, with its complaints where it fails."""
    words = [*argv, service.addresses.kafka, service.workers[0].sidecar, *usernames]
    process = await asyncio.create_subprocess_exec(
        *map(str, words),
        env=os.environ | {"ACCOUNTS_TOPIC_PREFIX": topics},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said = complained = b""
    try:
        async with asyncio.timeout(RUN_MAX_S):
            said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (said + complained).decode()
    return said.decode().splitlines()


async def test_it_registers_pays_in_takes_out_and_signs_in(program: Played) -> None:
    said = [line for line in program.here if not line.startswith(("sent ", "no answer "))]

    assert said[:5] == [
        "register: accepted",
        "deposit: accepted, #1 100.00 USD",
        "the same deposit: the same entry",
        "withdrawal: not enough money: available 100.00 USD, requested 500.00 USD",
        f"signed in: {program.username}, for 300 s",
    ]
    assert said[-1] == f"{program.username} #1 deposited: 100.00 USD available"


async def test_what_it_sent_twice_has_its_effect_once(
    program: Played, service: RunningService
) -> None:
    """P2."""
    with service.mongodb() as database:
        [account] = database["accounts"].find({"_id": program.username})

    assert account["sequence"] == 1
    [balance] = account["balances"]
    assert balance["posted_minor"] == 100_00


@pytest.mark.usefixtures("played")
async def test_the_books_are_right(service: RunningService) -> None:
    ended = Program(service.folder, service.environ).run("verify", "--topic")

    assert ended.returncode == 0, ended


async def test_it_sends_again_what_nobody_answered(program: Played) -> None:
    register = program.later.index("register: accepted")
    deposit = program.later.index("no answer to commands.deposit yet: sending the same again")

    assert "no answer to commands.register yet: sending the same again" in program.later[:register]
    assert program.later[deposit + 2].startswith("deposit: accepted, #4 "), "it was under review"


async def test_it_reads_what_only_a_later_release_says(program: Played, later: NextRelease) -> None:
    last = USERNAMES[-1]

    said = [line for line in program.later if line.startswith(f"{last} ")]

    assert f"deposit: accepted, #4 {TINY} ETH 1.00 USD" in program.later
    assert "withdrawal: refused, frozen_by_court: Not today" in program.later
    assert "not signed in: refused, wrong_moon: Not today" in program.later
    assert said == [
        f"{last} #1 interest-paid: {TINY} ETH available",
        f"{last} #1 interest-paid: 1.00 USD available",
        f"{last} #3 is missing: read {later.topics}state.balances again",
        f"{last} #4 interest-charged: {TINY} ETH available",
        f"{last} #4 interest-charged: 1.00 USD available",
        f"{last} #4 does not come to zero",
    ]


async def test_it_takes_no_token_that_is_not_good(program: Played) -> None:
    said = [line for line in program.later if "signed in: " in line]

    assert len(said) == len(USERNAMES)
    assert [line for line in said if not line.startswith("not ")] == ["signed in: good, for 300 s"]


@pytest.mark.parametrize("username", KEYS, ids=["short", "longest", "of others"])
async def test_a_key_is_placed_by_murmur2(
    program: Played, later: NextRelease, username: str
) -> None:
    caller = f"shop-{program.username.split('-')[0]}"

    assert later.placed[caller, username] == {hash_of(username.encode()) % PARTITIONS}
