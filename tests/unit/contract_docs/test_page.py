"""The page shows all of the document, runs and loads nothing, and escapes what is not markup."""

import re
from html.parser import HTMLParser
from typing import Any, cast

import pytest
from jinja2 import UndefinedError

from contract_docs.channels import PUBLIC
from contract_docs.document import document
from contract_docs.page import inline, markdown, render
from contracts.codes import Code

DOCUMENT = document()
PAGE = render(DOCUMENT)
KEY_SETS = ("/.well-known/jwks.json", "/.well-known/sealing-keys.json")
SHOWN_TEXTS = (
    *("title", "description", "summary", "meaning", "host", "protocol", "address", "contentType"),
    *("pattern", "const", "enum", "code", "problem", "x-refusals", "username", "correlation_id"),
)
"""Keys of the document under which the page finds text: of info, schemas, codes and examples."""


def hostile(node: Any, key: str, *, below: bool = False) -> Any:
    """Return *node* with markup behind every text that stands under *key*."""
    if isinstance(node, dict):
        items = cast("dict[str, Any]", node).items()
        return {name: hostile(each, key, below=name == key) for name, each in items}
    if isinstance(node, list):
        return [hostile(each, key, below=below) for each in cast("list[Any]", node)]
    return f"{node}<script>\"'&</script>" if below and isinstance(node, str) else node


def without_gaps(html: str) -> str:
    """Return *html* without the white space between two tags."""
    return re.sub(r">\s+<", "><", html).strip()


class Elements(HTMLParser):
    """Collects what a page consists of; complains about a tag that is not closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.unclosed: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag


class TestPage:
    def test_is_well_formed(self) -> None:
        assert Elements(PAGE).unclosed == []

    def test_loads_nothing_and_runs_nothing(self) -> None:
        elements = Elements(PAGE)

        names = {name for name, _ in elements.seen}
        attributes = {key for _, given in elements.seen for key in given}
        assert names.isdisjoint({"script", "link", "img", "iframe", "form", "object"})
        assert attributes.isdisjoint({"src", "style", "onclick", "srcset"})
        assert re.search(r"https?://|@import|url\(", PAGE) is None

    def test_links_to_what_is_there(self) -> None:
        elements = Elements(PAGE)

        ids = {given["id"] for _, given in elements.seen if "id" in given}
        links = {given["href"] or "" for _, given in elements.seen if "href" in given}
        served = {"/asyncapi.yaml", "/health", *KEY_SETS}
        assert links - {f"#{each}" for each in ids} == served

    def test_shows_everything(self) -> None:
        shown = [f"accounts.{topic.name}" for topic in PUBLIC]
        shown += [code.value for code in Code]
        shown += [
            name
            for schema in DOCUMENT["components"]["schemas"].values()
            for name in schema.get("properties", {})
        ]

        missing = [each for each in shown if f">{each}<" not in PAGE]

        assert missing == []

    @pytest.mark.parametrize(
        ("topic", "kept"),
        [
            ("results", "<li>kept 7 days</li>"),
            ("state.balances", "<li>compacted: the latest of each key</li>"),
            (
                "state.revocations",
                "<li>compacted: the latest of each key</li><li>kept 2 days</li>",
            ),
        ],
    )
    def test_says_how_long_records_are_kept(self, topic: str, kept: str) -> None:
        shown = without_gaps(PAGE).partition(f">accounts.{topic}</a>")[2].partition("</ul>")[0]

        assert f"<li>12 partitions</li>{kept}<li>records" in shown

    @pytest.mark.parametrize("key", SHOWN_TEXTS)
    def test_escapes_whatever_the_document_says(self, key: str) -> None:
        page = render(hostile(DOCUMENT, key))

        assert "&lt;script&gt;" in page
        assert Elements(page).seen == Elements(PAGE).seen

    def test_escapes_what_is_not_markup(self) -> None:
        assert inline("a `<b>` c") == "a <code>&lt;b&gt;</code> c"
        assert inline("<b>&") == markdown("<b>&")[3:-5] == "&lt;b&gt;&amp;"

    def test_says_nothing_in_the_place_of_what_is_missing(self) -> None:
        info = {key: said for key, said in DOCUMENT["info"].items() if key != "version"}

        with pytest.raises(UndefinedError, match="version"):
            render(DOCUMENT | {"info": info})

    def test_knows_paragraphs_lists_and_headings(self) -> None:
        text = "One.\n\n## Two\n\n* three\n  more\n* four\n"

        assert without_gaps(markdown(text)) == (
            "<p>One.</p><h3>Two</h3><ul><li>three\nmore</li><li>four</li></ul>"
        )

    @pytest.mark.parametrize("loaded", ["![a](/b.png)", "<img src=/b.png>"])
    def test_loads_no_picture(self, loaded: str) -> None:
        assert "<img" not in markdown(loaded)
