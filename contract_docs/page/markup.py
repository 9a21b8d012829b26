"""Texts and examples of the document as HTML: what is not markup is escaped, and nothing loads."""

import json
import re
from functools import cache
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup

HEADING = "heading_open"
KEY = re.compile(r'^( *)("(?:[^"\\]|\\.)*")(?=: )')
"""The name of a field at the start of a line of indented JSON."""


class Heading(NamedTuple):
    """A heading of a text, to link to."""

    id: str
    text: str


def inline(text: str) -> Markup:
    """Return one line of CommonMark as HTML."""
    return Markup(_markdown().renderInline(text))  # noqa: S704 - what is not markup is escaped


def markdown(text: str) -> Markup:
    """Return CommonMark, which AsyncAPI has descriptions be written in, as HTML."""
    return Markup(_markdown().render(text))  # noqa: S704 - what is not markup is escaped


def with_headings(text: str) -> tuple[Markup, list[Heading]]:
    """Return CommonMark as HTML whose headings can be linked to, and these.

    It stands directly below the title, so its headings keep their level.
    """
    parser = _commonmark()
    tokens = parser.parse(text)
    found: list[Heading] = []
    for token, content in pairwise(tokens):
        if token.type == HEADING:
            slug = re.sub(r"[^a-z0-9]+", "-", content.content.lower()).strip("-")
            found.append(Heading(f"about-{slug or len(found)}", content.content))
            token.attrSet("id", found[-1].id)
    html = parser.renderer.render(tokens, parser.options, {})
    return Markup(html), found  # noqa: S704 - as above


def is_link(address: str) -> bool:
    """Say whether a link may lead there: not to a script, for one."""
    return _markdown().validateLink(address)


def sample(value: Any) -> Markup:
    """Return an example: JSON indented and with its names marked, a text as it is."""
    if isinstance(value, str):
        return _between_tags(value)
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    return Markup("\n").join(_with_name_marked(line) for line in lines)


def _with_name_marked(line: str) -> Markup:
    found = KEY.match(line)
    if found is None:
        return _between_tags(line)
    indent, name = found.groups()
    return Markup("{}<b>{}</b>{}").format(
        indent, _between_tags(name), _between_tags(line[found.end() :])
    )


def _between_tags(text: str) -> Markup:
    """Escape *text*, which stands in no attribute: its quotes are a fifth of what examples weigh."""
    return Markup(escape(text, quote=False))  # noqa: S704 - escaped


def _commonmark() -> MarkdownIt:
    """Return what turns CommonMark into HTML: neither HTML as it is nor what the page would load."""
    return MarkdownIt("commonmark", {"html": False}).disable("image")


@cache
def _markdown() -> MarkdownIt:
    """Return the same for texts inside of a section."""
    markdown = _commonmark()
    markdown.core.ruler.push("below_h2", _below_h2)
    return markdown


def _below_h2(state: StateCore) -> None:
    """Make headings one step smaller: the page's own sections begin with an h2."""
    for token in state.tokens:
        if token.type in {HEADING, "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + 1, 6)}"
