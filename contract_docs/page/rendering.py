"""The document as one page: its style sheet and script are in it, and it loads nothing."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from contract_docs.page.extensions import extensions
from contract_docs.page.fields import ShownSchemas, is_object
from contract_docs.page.markup import inline, is_link, markdown, sample, with_headings
from contract_docs.page.refusals import MARKS, shown_codes
from contract_docs.page.servers import schemes, servers
from contract_docs.page.topics import ShownTopics
from contract_docs.schemas import PROBLEMS, SCHEMAS, Json

STYLE = files("contract_docs.page").joinpath("style.css").read_text()
SCRIPT = files("contract_docs.page").joinpath("script.js").read_text()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_hash(STYLE)}",
        f"script-src {_hash(SCRIPT)}",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Content-Security-Policy: this style sheet and this script, which can neither load nor write markup."""

SERVED_BESIDE = {
    "/asyncapi.yaml": "AsyncAPI document",
    "/.well-known/sealing-keys.json": "Sealing keys",
    "/.well-known/jwks.json": "Signing keys",
    "/health": "Health",
}
"""What the sidecar that serves the page has besides it."""


def render(document: Json, *, served: bool = True) -> str:
    """Return the page; one that is not *served* has no links to what the sidecar has besides."""
    topics = ShownTopics(document)
    sections = [tag | {"channels": topics.of_tag(tag["name"])} for tag in document["info"]["tags"]]
    components = document["components"]
    schemas = ShownSchemas(components["schemas"])
    introduction, headings = with_headings(document["info"]["description"])
    return (
        _environment()
        .get_template("page.html")
        .render(
            info=document["info"],
            about=extensions(document["info"]),
            introduction=introduction,
            headings=headings,
            schemes=schemes(document),
            servers=servers(document),
            sections=sections,
            headers=topics.headers,
            codes=shown_codes(document),
            marks=MARKS,
            messages=topics.shown,
            problems=_problems(components["schemas"]),
            schemas=_shared(topics, schemas, components["schemas"]),
            served_beside=SERVED_BESIDE if served else {},
            style=Markup(STYLE),  # noqa: S704 - a file of ours; escaped it would be another style sheet
            script=Markup(SCRIPT),  # noqa: S704 - as above
            policy=POLICY,
        )
    )


def _shared(
    topics: ShownTopics, schemas: ShownSchemas, described: dict[str, Json]
) -> dict[str, Any]:
    """Return the schemas that are shown nowhere else, by name."""
    elsewhere = {each.schema for each in (*topics.shown.values(), *topics.headers)}
    return {
        name: schemas.value({"$ref": SCHEMAS + name})
        for name, each in described.items()
        if name not in elsewhere and is_object(each)
    }


def _problems(schemas: Any) -> list[Json]:
    """Return what can be wrong with a field, wherever the document says so."""
    if isinstance(schemas, dict):
        found = cast("Json", schemas)
        return found.get(PROBLEMS) or [each for one in found.values() for each in _problems(one)]
    if isinstance(schemas, list):
        return [each for one in cast("list[Any]", schemas) for each in _problems(one)]
    return []


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("contract_docs.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = cast("dict[str, Any]", environment.filters)  # typed as what Jinja2 brings only
    filters.update(inline=inline, is_link=is_link, markdown=markdown, sample=sample)
    return environment
