"""Small pieces of HTML: everything that is not markup is escaped here, once."""

import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final


class Html(str):
    """Markup that is safe as it is; any other text is escaped."""

    __slots__ = ()


EMPTY: Final = Html("")


def safe(part: object) -> Html:
    """Return *part* for use inside an element or a quoted attribute."""
    return part if isinstance(part, Html) else Html(html.escape(str(part), quote=True))


def join(parts: Iterable[object], by: str = "") -> Html:
    """Return all *parts* one after another."""
    return Html(by.join(safe(part) for part in parts))


def tag(tag_name: str, *parts: object, **attributes: str) -> Html:
    """Return one element; an attribute `class_` is written `class`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{safe(text)}"' for key, text in attributes.items()
    )
    return Html(f"<{tag_name}{given}>{join(parts)}</{tag_name}>")


def prose(text: str) -> Html:
    """Return plain text with `code`, lists (`* `), headings (`## `) and paragraphs as HTML."""
    return join(_block(block) for block in text.strip().split("\n\n"))


def inline(text: str) -> Html:
    """Return one line of text in which backticks mark code."""
    parts = re.split(r"`([^`]+)`", text)
    return join(tag("code", part) if place % 2 else part for place, part in enumerate(parts))


def _block(block: str) -> Html:
    if block.startswith("## "):
        return tag("h3", inline(block.removeprefix("## ")))
    if block.startswith("* "):
        items = block.removeprefix("* ").split("\n* ")
        return tag("ul", *(tag("li", inline(" ".join(item.split()))) for item in items))
    return tag("p", inline(" ".join(block.split())))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """Return a table that scrolls by itself where it is too wide."""
    head = tag("thead", tag("tr", *(tag("th", column, scope="col") for column in columns)))
    body = tag("tbody", *(tag("tr", *(tag("td", cell) for cell in row)) for row in rows))
    return tag("div", tag("table", head, body), class_="wide")


def code_block(value: Any) -> Html:
    """Return *value* as indented JSON, or text as it is."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return tag("pre", tag("code", text))


def fold(summary: object, *parts: object, unfolded: bool = False) -> Html:
    """Return something that opens on a click, without any script."""
    opened = " open" if unfolded else ""
    return Html(f"<details{opened}>{tag('summary', summary)}{join(parts)}</details>")
