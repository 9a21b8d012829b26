"""What the client's distribution changes in the files that it copies."""

from pathlib import Path

import pytest

from distributions.client.hatch_build import NotRenamedError, renamed_in, write_package

PLACE = "some.py"


@pytest.mark.parametrize(
    ("written", "renamed"),
    [
        ("from client import seal\n", "from accounts_client import seal\n"),
        ("from client.errors import A\n", "from accounts_client.errors import A\n"),
        ("from contracts import topics\n", "from accounts_client.contracts import topics\n"),
        (
            "from contracts.codes import (\n    Code,\n)\n",
            "from accounts_client.contracts.codes import (\n    Code,\n)\n",
        ),
        (
            "if True:\n    é = 1; from  client.errors  import A\n",
            "if True:\n    é = 1; from  accounts_client.errors  import A\n",
        ),
        (
            '"""One.\n\nAs `client.seal` and `contracts` say."""\n',
            '"""One.\n\nAs `accounts_client.seal` and `accounts_client.contracts` say."""\n',
        ),
        ('X = 1\n"""Of `client.X`."""\n', 'X = 1\n"""Of `accounts_client.X`."""\n'),
    ],
)
def test_imports_and_documentation_are_renamed(written: str, renamed: str) -> None:
    assert renamed_in(written.encode(), PLACE).decode() == renamed


@pytest.mark.parametrize(
    "written",
    [
        "from clients import seal\n",
        "from contracts_of_others.codes import Code\n",
        "import client_of_others\n",
        "client.send(contracts.value)\n",
        "print('from client import seal')\n",
        "text = 'the client. And `contracts.codes`'\n",
        "# from client import seal\n",
        '"""The client sends; contracts say what."""\n',
        "def f() -> None:\n    from json import loads\r\n",
    ],
)
def test_nothing_else_is_touched(written: str) -> None:
    assert renamed_in(written.encode(), PLACE).decode() == written


@pytest.mark.parametrize(
    "written",
    [
        "import client\n",
        "import json, contracts.codes\n",
        "from \\\n  client.errors import A\n",
        "from . import errors\n",
        "from .errors import A\n",
        "load('client.errors')\n",
        "load(f'contracts.{name}')\n",
        "getLogger('client.reader')\n",
    ],
)
def test_what_would_go_unnoticed_ends_the_build(written: str) -> None:
    with pytest.raises(NotRenamedError, match=r"some\.py:1: write"):
        renamed_in(written.encode(), PLACE)


def test_what_is_no_module_is_copied_as_it_is(tmp_path: Path) -> None:
    data = b"from client import seal\n"
    (tmp_path / "contracts" / "__pycache__").mkdir(parents=True)
    (tmp_path / "contracts" / "known.txt").write_bytes(data)
    (tmp_path / "contracts" / "__pycache__" / "known.pyc").write_bytes(data)
    (tmp_path / "contracts" / "released").mkdir()
    (tmp_path / "contracts" / "released" / "asyncapi.yaml").write_bytes(data)

    write_package(tmp_path, tmp_path / "made")

    made = [path for path in (tmp_path / "made").rglob("*") if path.is_file()]
    assert made == [tmp_path / "made" / "contracts" / "known.txt"]
    assert made[0].read_bytes() == data


def test_no_module_replaces_another(tmp_path: Path) -> None:
    for module in ("client/contracts/__init__.py", "contracts/__init__.py"):
        path = tmp_path / module
        path.parent.mkdir(parents=True)
        path.write_text('"""One."""\n')

    with pytest.raises(NotRenamedError, match="would replace another"):
        write_package(tmp_path, tmp_path / "made")


def test_what_is_imported_of_the_service_comes_along_and_nothing_else(tmp_path: Path) -> None:
    files = {
        "client/testing/fake.py": "from workers.ledger import lane\n",
        "workers/__init__.py": "",
        "workers/ledger/__init__.py": "",
        "workers/ledger/lane.py": "from handlers.model import rules\nfrom client import seal\n",
        "workers/ledger/engine.py": "import faststream\n",
        "handlers/__init__.py": "",
        "handlers/model/__init__.py": "",
        "handlers/model/rules.py": '"""`handlers.model` says."""\n',
        "handlers/model/house.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    write_package(tmp_path, tmp_path / "made")

    made = tmp_path / "made" / "testing"
    assert (made / "fake.py").read_text() == (
        "from accounts_client.testing.workers.ledger import lane\n"
    )
    assert (made / "workers" / "ledger" / "lane.py").read_text() == (
        "from accounts_client.testing.handlers.model import rules\nfrom accounts_client import seal\n"
    )
    assert (made / "handlers" / "model" / "rules.py").read_text() == (
        '"""`accounts_client.testing.handlers.model` says."""\n'
    )
    assert not (made / "workers" / "ledger" / "engine.py").exists()
    assert not (made / "handlers" / "model" / "house.py").exists()
