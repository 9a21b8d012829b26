"""What a generator makes of the contract compiles, and reads and writes every golden message."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contract_docs.document import document, to_yaml
from tests.generated_models.languages import LANGUAGES, REQUIRED, Messages, generate, need
from tests.wire.golden import FOLDER, model_of

DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]


def golden() -> Iterator[dict[str, Any]]:
    """Yield every golden message that the contract describes."""
    for path in sorted(FOLDER.rglob("*.json")):
        record = json.loads(path.read_text())
        model = model_of(str(path.relative_to(FOLDER)), dict(record["headers"]))
        if model is not None and model.__name__ in SCHEMAS:
            value = json.loads(record["value"].encode("latin-1"))
            yield {"model": model.__name__, "value": value}


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Messages:
    """Return all golden messages, and a file with them."""
    file = tmp_path_factory.mktemp("golden") / "messages.json"
    values = list(golden())
    file.write_text(json.dumps(values))
    return Messages(file=file, values=values)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the generated models of all languages."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "asyncapi.yaml").write_text(to_yaml(DOCUMENT))
    generate(folder / "asyncapi.yaml", folder)
    return folder


def with_defaults(message: Mapping[str, Any], value: Any) -> Any:
    """Return *value* with what its absent fields mean: some models write it out."""
    properties = SCHEMAS[message["model"]]["properties"]
    return {name: each["default"] for name, each in properties.items() if "default" in each} | value


@pytest.mark.parametrize("language", LANGUAGES)
def test_models_read_and_write_every_golden_message(
    language: str, models: Path, messages: Messages
) -> None:
    written = json.loads(LANGUAGES[language](models / language, messages))

    assert [with_defaults(*each) for each in zip(messages.values, written, strict=True)] == [
        with_defaults(each, each["value"]) for each in messages.values
    ]


def test_every_message_of_the_contract_is_among_them(messages: Messages) -> None:
    payloads = {
        message["payload"]["$ref"].rpartition("/")[2]
        for message in DOCUMENT["components"]["messages"].values()
    }

    assert payloads - set(messages.models) == {"OriginalValue"}


def test_a_missing_toolchain_fails_where_all_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRED, "required")
    with pytest.raises(AssertionError, match="no-such-compiler is not here"):
        need("no-such-compiler")

    monkeypatch.delenv(REQUIRED)
    with pytest.raises(pytest.skip.Exception, match="no-such-compiler is not here"):
        need("no-such-compiler")
    assert REQUIRED not in os.environ
