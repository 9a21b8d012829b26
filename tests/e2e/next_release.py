"""A next release, made of a copy of this one: it has what a release may bring beside this one.

From the next schema number on it says and stores more: a field in entries, a kind of entry, a code, a
field in accounts and outcomes. One field in results comes at once, since readers pass on what they
do not know. It follows "A new shape of what is stored" in CONTRIBUTING.md, in as few words as it can.
"""

from pathlib import Path
from shutil import copytree
from typing import Final, NamedTuple

from handlers.model.schema import NEWEST
from tests.places import REPOSITORY

NEXT: Final = NEWEST + 1
"""Its schema number."""

KIND, CODE, FIELD, RELEASE = "bonus_granted", "payouts_paused", "label", "decided_with"
BONUS, PAUSED = "bonus", "paused"
"""Reasons of commands that the next release has rules for."""

PACKAGES = ("cli", "client", "contract_docs", "contracts", "devstack", "handlers", "storage", "workers")  # fmt: skip


class Change(NamedTuple):
    """What the next release has, in a file, for what stands there once now."""

    file: str
    now: str
    then: str


def behind(file: str, now: str, added: str) -> Change:
    """Return that *added* follows what stands there now."""
    return Change(file, now, now + added)


def instead(file: str, now: str, then: str) -> Change:
    """Return that *then* stands there."""
    return Change(file, now, then)


ENTRIES, TRANSACTION = "handlers/wire/entries.py", "storage/mongo/transaction.py"
IS_NEXT = f"outcome.schema >= {NEXT}"

CHANGES = (
    instead("handlers/model/schema.py", f"NEWEST: Final = {NEWEST}\n", f"NEWEST: Final = {NEXT}\n"),
    # The vocabulary: a kind and a code.
    behind("contracts/published.py", "EntryKind: TypeAlias = Literal[", f'"{KIND}", '),
    behind("contracts/codes.py", "class Code(StrEnum):\n", f'    PAYOUTS_PAUSED = "{CODE}"\n'),
    behind(
        "contracts/codes.py",
        "CODES: dict[Code, CodeInfo] = {\n",
        '    Code.PAYOUTS_PAUSED: CodeInfo(title="Payouts paused", meaning="Try later."),\n',
    ),
    # A rule that came with the number.
    behind(
        "handlers/ledger/movements.py",
        '    """Take what is available; held money never leaves."""\n',
        f'    if rules.schema >= {NEXT} and command.reason == "{PAUSED}":\n'
        '        return Refused(code=Code.PAYOUTS_PAUSED, detail="payouts are paused")\n',
    ),
    # What is hashed: only in what is recorded with the number.
    instead(
        ENTRIES,
        "    related_id: str | None = None\n    previous_hash: str | None = None\n",
        f"    related_id: str | None = None\n    {FIELD}: str | None = None\n"
        "    previous_hash: str | None = None\n",
    ),
    instead(
        ENTRIES,
        "            entry_kind(outcome.type),\n            outcome.command_id,\n            at,\n            [\n",
        f'            "{KIND}" if {IS_NEXT} and outcome.reason == "{BONUS}" else entry_kind(outcome.type),\n'
        "            outcome.command_id,\n            at,\n            [\n",
    ),
    instead(
        ENTRIES,
        "            None if previous is None else previous.hex(),\n",
        f'            "new" if {IS_NEXT} else None,\n'
        "            None if previous is None else previous.hex(),\n",
    ),
    # What is only said: at once.
    behind(
        "handlers/wire/bodies.py",
        "    entry: msgspec.Raw | None = None\n",
        f"    {RELEASE}: str | None = None\n",
    ),
    behind(
        "handlers/wire/rendering.py",
        "            None if entry is None else msgspec.Raw(entry),\n",
        '            "the next release",\n',
    ),
    # What is stored.
    behind(
        "storage/mongo/documents/accounts.py",
        '        "schema": outcome.schema,\n',
        f'        **({{"{FIELD}": "new"}} if {IS_NEXT} else {{}}),\n',
    ),
    instead(
        TRANSACTION,
        "[from_account(each, macs) for each in changes.accounts",
        "[self._shaped(from_account(each, macs)) for each in changes.accounts",
    ),
    instead(
        TRANSACTION,
        '"u": from_account(each, macs)}',
        '"u": self._shaped(from_account(each, macs))}',
    ),
    instead(
        TRANSACTION,
        "    async def _replace(",
        "    def _shaped(self, document: Document) -> Document:\n"
        "        number = self._client.writes_schema\n"
        f'        more = {{"schema": number, "{FIELD}": "new"}} if number >= {NEXT} else {{}}\n'
        "        return {**document, **more}\n\n"
        "    async def _replace(",
    ),
)


def make_next_release(folder: Path) -> Path:
    """Copy this release into *folder* and change it; return where it is.

    Raises:
        AssertionError: This release has changed where the next one does, so `CHANGES` must.
    """
    for package in PACKAGES:
        # With what is compiled of it, which knows its source by the time that is copied, too.
        copytree(REPOSITORY / package, folder / package)
    for change in CHANGES:
        path = folder / change.file
        text = path.read_text(encoding="utf-8")
        count = text.count(change.now)
        assert count == 1, (
            f"{Path(__file__).name} makes the next release by a change of {change.file} where it says\n"
            f"{change.now}\nwhich stands there {count} times: have CHANGES name what stands there now"
        )
        path.write_text(text.replace(change.now, change.then), encoding="utf-8")
    return folder
