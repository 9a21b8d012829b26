"""The page shows all of the document, loads nothing, runs one script, and escapes what is not markup."""

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any, cast

import pytest
from jinja2 import UndefinedError
from markupsafe import escape

from cli.app import main
from contract_docs.channels import PUBLIC
from contract_docs.document import document
from contract_docs.page.markup import inline, markdown, sample
from contract_docs.page.rendering import POLICY, SCRIPT, STYLE, render
from contracts.codes import Code
from tests.unit.contract_docs.foreign import FOREIGN

DOCUMENT = document()
PAGE = render(DOCUMENT)
FOREIGN_PAGE = render(FOREIGN)
FOREIGN_TEXTS = (
    *("host", "pathname", "protocol", "description", "type", "name", "email"),
    *("x-about", "x-partitioners", "x-where", "x-who", "x-acl", "x-rights", "x-note"),
)
PAGE_BYTES_MAX = 300_000
"""What a phone in a train loads in two seconds."""
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
        inside = below and key.startswith("x-")
        return {name: hostile(each, key, below=inside or name == key) for name, each in items}
    if isinstance(node, list):
        return [hostile(each, key, below=below) for each in cast("list[Any]", node)]
    return f"{node}<script>\"'&</script>" if below and isinstance(node, str) else node


def without_gaps(html: str) -> str:
    """Return *html* without the white space between two tags."""
    return re.sub(r">\s+<", "><", html).strip()


def part(kind: str, name: str) -> str:
    """Return what the page shows at one address, up to the next of its kind."""
    return PAGE.partition(f'id="{kind}{name}"')[2].partition(f'id="{kind}')[0]


class Elements(HTMLParser):
    """Collects what a page consists of; complains about a tag that is not closed."""

    VOID = frozenset({"meta", "br", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.unclosed: list[str] = []
        self.feed(page)
        self.close()

    @property
    def kinds(self) -> set[tuple[str, ...]]:
        """Every tag with the names of its attributes."""
        return {(tag, *given) for tag, given in self.seen}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag


class TestPage:
    def test_is_well_formed(self) -> None:
        assert Elements(PAGE).unclosed == []

    def test_loads_nothing(self) -> None:
        elements = Elements(PAGE)

        names = {name for name, _ in elements.seen}
        attributes = {key for _, given in elements.seen for key in given}
        assert names.isdisjoint({"link", "img", "iframe", "form", "object"})
        assert attributes.isdisjoint({"src", "style", "onclick", "srcset"})
        assert re.search(r"@import|url\(", STYLE) is None
        assert re.search(r"\b(fetch|import|XMLHttpRequest|WebSocket)\b", SCRIPT) is None

    def test_runs_its_own_script_alone(self) -> None:
        allowed = [
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for text in re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", PAGE, re.DOTALL)
        ]

        assert len(allowed) == 2
        assert re.findall(r"'sha256-[^']+'", POLICY) == allowed
        assert f'http-equiv="Content-Security-Policy" content="{escape(POLICY)}"' in PAGE

    def test_is_small(self) -> None:
        assert len(PAGE.encode()) <= PAGE_BYTES_MAX

    def test_has_no_links_to_what_is_served_where_it_is_not(self) -> None:
        page = Elements(render(DOCUMENT, served=False))

        addresses = {given["href"] or "" for _, given in page.seen if "href" in given}
        assert [each for each in addresses if not each.startswith(("#", "https://"))] == []

    def test_has_each_address_once(self) -> None:
        ids = [given["id"] for _, given in Elements(PAGE).seen if "id" in given]

        assert [each for each, count in Counter(ids).items() if count > 1] == []

    def test_links_to_what_is_there(self) -> None:
        elements = Elements(PAGE)

        ids = {given["id"] for _, given in elements.seen if "id" in given}
        links = {given["href"] or "" for _, given in elements.seen if "href" in given}
        served = {"/asyncapi.yaml", "/health", *KEY_SETS}
        elsewhere = {DOCUMENT["info"][named]["url"] for named in ("contact", "license")}
        assert links - {f"#{each}" for each in ids} - elsewhere == served

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
        shown = (
            without_gaps(PAGE)
            .partition(f"data-copy>accounts.{topic}</code>")[2]
            .partition("</ul>")[0]
        )

        assert f"<li>12 partitions</li>{kept}<li>records" in shown

    @pytest.mark.parametrize(
        "shown",
        [
            *("kafka.example.com:9093", "sidecar.example.com/keys", "murmur2_random", "sarama"),
            *("scramSha512", "In the vault.", "plain", "By <code>password</code>."),
            *("<code>host</code>: A broker.", '<a href="#security-scram">scram</a>'),
            "<strong>sender</strong>: topic: one; operations: Write, Describe",
            '<dt>Rights</dt>\n<dd>as of <a href="#one">one</a></dd>',
            *("Said of all.", "operators", "auditors", "read: true", "Any.", "alone"),
            *('href="mailto:us@example.com"', 'href="#code-late"', 'href="#message-Made"'),
        ],
    )
    def test_shows_what_the_contract_may_come_to_say(self, shown: str) -> None:
        assert shown in FOREIGN_PAGE

    def test_links_to_no_script(self) -> None:
        assert "javascript:" not in FOREIGN_PAGE

    @pytest.mark.parametrize("key", FOREIGN_TEXTS)
    def test_escapes_what_the_contract_may_come_to_say(self, key: str) -> None:
        page = render(hostile(FOREIGN, key))

        assert "&lt;script&gt;" in page
        assert Elements(page).kinds == Elements(FOREIGN_PAGE).kinds

    def test_leads_from_a_message_to_its_codes_and_back(self) -> None:
        for name, message in DOCUMENT["components"]["messages"].items():
            for code in message.get("x-refusals", []):
                assert f'<a href="#code-{code}">' in part("message-", name)
                assert f'<a href="#message-{name}">{name}</a>' in part("code-", code)

    @pytest.mark.parametrize("key", SHOWN_TEXTS)
    def test_escapes_whatever_the_document_says(self, key: str) -> None:
        page = render(hostile(DOCUMENT, key))

        assert "&lt;script&gt;" in page
        assert Elements(page).kinds == Elements(PAGE).kinds

    def test_escapes_what_is_not_markup(self) -> None:
        assert inline("a `<b>` c") == "a <code>&lt;b&gt;</code> c"
        assert inline("<b>&") == markdown("<b>&")[3:-5] == "&lt;b&gt;&amp;"

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("<b>", "&lt;b&gt;"),
            (["<b>"], '[\n  "&lt;b&gt;"\n]'),
            ({"<a>": "<b>"}, '{\n  <b>"&lt;a&gt;"</b>: "&lt;b&gt;"\n}'),
        ],
    )
    def test_shows_an_example_as_it_is(self, value: object, shown: str) -> None:
        assert sample(value) == shown

    def test_shows_headers_that_messages_share_once(self) -> None:
        messages = DOCUMENT["components"]["messages"].values()

        different = {json.dumps(each["headers"]) for each in messages if "headers" in each}
        assert PAGE.count(">Headers of ") == len(different)

    def test_is_printed_as_one_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["asyncapi", "--html"])

        assert ended.value.code == 0
        assert capsys.readouterr().out == render(DOCUMENT, served=False)

    def test_is_no_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["asyncapi", "--html", "--output", "json"])

        assert ended.value.code == 2
        assert "--output json" in capsys.readouterr().err

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
