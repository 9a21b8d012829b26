"""Accounts move in from a file, out into one, and in again; whatever happens, nothing is paid twice."""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from cli.moving.importing import AT_ONCE_MAX
from cli.screen.answers import REJECTED
from client.accounts import AccountsClient
from client.errors import InvalidCredentialsError
from devstack.choose import Chosen
from devstack.patience import Patience
from tests.e2e.cli_process import Program
from tests.e2e.running import RunningService, a_service
from tests.unit.workers.credentials.test_imported_hashes import MADE, PASSWORD, made

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"password_bcrypt_rounds": "4"}
KEY = ("--sealing-key", "sealing-keys.json")
Account = Mapping[str, Any]


def accounts_of(service: RunningService) -> Program:
    (service.folder / "sealing-keys.json").write_text(json.dumps(service.ring().sealing_jwks()))
    return Program(service.folder, service.environ)


@pytest.fixture(scope="module")
def accounts(service: RunningService) -> Program:
    return accounts_of(service)


@pytest.fixture(scope="module")
def elsewhere(stack: Chosen, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Yield another service, empty."""
    other = a_service(stack.addresses, tmp_path_factory.mktemp("elsewhere"), **SETTINGS)
    try:
        asyncio.run(other.prepare())
        other.start_worker()
        yield other
    finally:
        other.processes.close()


def some(start: str, count: int) -> list[dict[str, Any]]:
    return [
        {"username": f"{start}-{n:04}", "balances": {"USD": f"{n}.25", "JPY": str(n)}}
        for n in range(1, count + 1)
    ]


def as_lines(said: Sequence[Account]) -> str:
    return "".join(json.dumps(each) + "\n" for each in said)


async def moves_in(
    accounts: Program, name: str, said: Sequence[Account]
) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Return the exit code, what was printed, and the report."""
    (accounts.cwd / f"{name}.jsonl").write_text(as_lines(said))
    words = ("import", f"{name}.jsonl", *KEY, "--output", "json")
    ended = await asyncio.to_thread(accounts.run, *words)
    assert ended.stdout, ended.stderr
    report = (accounts.cwd / f"{name}.refused.jsonl").read_text().splitlines()
    return ended.returncode, json.loads(ended.stdout), [json.loads(line) for line in report]


async def moves_out(accounts: Program, *more: str) -> dict[str, dict[str, Any]]:
    """Return everybody, by username."""
    ended = await asyncio.to_thread(accounts.run, "export", *more)
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    return {line["username"]: line for line in lines}


async def houses(accounts: Program) -> dict[str, dict[str, str]]:
    """Return the sums of the houses, once the books are known to balance."""
    ended = await asyncio.to_thread(accounts.run, "trial-balance", "--output", "json")
    found = json.loads(ended.stdout)
    assert (ended.returncode, found["balanced"]) == (0, True), ended.stdout
    return {each["currency"]: each["houses"] for each in found["currencies"]}


async def test_accounts_move_in_out_and_in_elsewhere(
    accounts: Program, elsewhere: RunningService
) -> None:
    said = [*some("first", 40), {"username": "no one"}, {"username": "first-0007"}]

    code, summary, report = await moves_in(accounts, "first", said)

    assert (code, summary["moved_in"], summary["refused"]) == (REJECTED, 40, 2)
    assert [(each["line"], each["field"]) for each in report] == [
        (41, "username"),
        (42, "username"),
    ]
    assert await houses(accounts) == {"JPY": {"opening": "-820"}, "USD": {"opening": "-830.00"}}
    verified = await asyncio.to_thread(accounts.run, "verify", "--topic")
    assert verified.returncode == 0, verified.stdout

    exported = await moves_out(accounts)
    other = accounts_of(elsewhere)
    moved = await moves_in(other, "moved", [*exported.values()])

    assert {name: exported[name] for name in exported if "first" in name} == {
        each["username"]: each for each in some("first", 40)
    }
    assert (moved[0], moved[1]["moved_in"]) == (0, len(exported))
    assert await moves_out(other) == exported


async def test_run_again_nothing_moves_and_a_corrected_line_is_refused(accounts: Program) -> None:
    said = some("again", 20)
    await moves_in(accounts, "again", said)
    before = await houses(accounts)

    repeated = await moves_in(accounts, "again", said)
    said[3]["balances"]["USD"] = "99.00"
    said[5]["email"] = "new@example.com"
    corrected = await moves_in(accounts, "again", said)

    assert (repeated[0], repeated[1]["before"], repeated[2]) == (0, 20, [])
    conflict = "command_id_conflict"
    assert corrected[0] == REJECTED
    assert sorted(corrected[2], key=lambda each: each["line"]) == [
        {"line": 4, "command": "deposit", "code": conflict, "currency": "USD"},
        {"line": 6, "command": "open", "code": conflict},
    ]
    assert await houses(accounts) == before


async def test_killed_in_the_middle_it_goes_on_when_it_is_run_again(
    accounts: Program, service: RunningService
) -> None:
    said = some("killed", AT_ONCE_MAX + 100)
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workers", "import", "-", "--name", "killed"),
        cwd=accounts.cwd,
        env=accounts.environment(),
        stdin=asyncio.subprocess.PIPE,
    )
    assert running.stdin is not None
    running.stdin.write(as_lines(said[: AT_ONCE_MAX + 1]).encode())
    await running.stdin.drain()  # and kept open: it cannot come to its end
    with service.mongodb() as database:
        paid = {"_id": {"$regex": "^killed"}, "sequence": {"$gt": 0}}
        patience = Patience(lambda: running.pid, service.workers[0].log_path)
        while not await asyncio.to_thread(database.accounts.find_one, paid):
            assert patience.lasts(), service.log_ends()
    running.kill()
    assert await running.wait() < 0

    code, summary, report = await moves_in(accounts, "killed", said)

    assert (code, summary["moved_in"], report) == (0, len(said), [])
    exported = await moves_out(accounts)
    assert [exported[each["username"]] for each in said] == said
    await houses(accounts)


async def test_whoever_moves_in_with_a_hash_signs_in_and_is_hashed_anew(
    accounts: Program, service: RunningService
) -> None:
    profile = {"first_name": "Given", "last_name": "Family", "balances": {"USD": "1.00"}}
    users = {f"hash-{name.replace('_', '-')}"[:32]: made(name) for name in MADE}
    said: list[dict[str, Any]] = [
        {"username": name, "email": f"{name}@example.com", "password_hash": known, **profile}
        for name, known in users.items()
    ]

    code, summary, _ = await moves_in(accounts, "hashes", said)

    assert (code, summary["moved_in"]) == (0, len(users))
    exported = await moves_out(accounts, "--with-password-hashes")
    assert [exported[each["username"]] for each in said] == said
    async with AccountsClient(
        service.addresses.kafka,
        topic_prefix=service.prefix,
        sealing_keys=service.ring().sealing_jwks(),
    ) as client:
        with pytest.raises(InvalidCredentialsError):
            await client.login("hash-scrypt", PASSWORD + "x", source="192.0.2.1")
        for _ in range(2):
            for name in users:
                await client.login(name, PASSWORD, source="192.0.2.2")
    with service.mongodb() as database:
        stored = {
            each["_id"]: each for each in database.credentials.find({"_id": {"$in": [*users]}})
        }
    assert {each["hash"].partition("$v=")[0] for each in stored.values()} == {"$bcrypt-sha256"}
    assert not any("imported" in each for each in stored.values())
    assert not {each["hash"] for each in stored.values()} & {*users.values()}


async def test_a_dry_run_checks_and_sends_nothing(
    accounts: Program, service: RunningService
) -> None:
    (accounts.cwd / "dry.jsonl").write_text(as_lines([*some("dry", 3), {"username": "?"}]))

    ended = await asyncio.to_thread(accounts.run, "import", "dry.jsonl", "--dry-run")

    assert ended.returncode == REJECTED
    assert ended.stdout.splitlines()[0] == "3 of 4 lines can move in"
    with service.mongodb() as database:
        assert database.accounts.find_one({"_id": {"$regex": "^dry"}}) is None
