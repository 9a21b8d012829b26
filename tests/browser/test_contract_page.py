"""The page of the contract in a real Chromium, on a phone and on a desktop, with scripts and without."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from cli.app import main
from tests.browser.chromium import NODE_MODULES
from tests.browser.reading import DOCUMENT, INSECURE, SECURE, SIZES, Reader, opened
from tests.speed import at_this_speed

pytestmark = pytest.mark.browser

LOADED_S = 2.0
CONTRAST = 180
"""Of 255, between the text and what is behind it."""

on_every_size = pytest.mark.parametrize("size", SIZES)

OUTSIDE = """() => [...document.querySelectorAll("body *")]
  .filter((element) => !element.closest(".skip"))
  .filter((element) => element.getClientRects().length)
  .filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return left < 0 || right > innerWidth || element.scrollWidth > element.clientWidth + 1 && element.clientWidth;
  })
  .map((element) => element.outerHTML.slice(0, 120))"""
"""What cannot be read whole without moving the page, or itself, sideways."""

HIDDEN_TARGETS = """() => [...document.querySelectorAll("#contents a[href^='#']")].flatMap((link) => {
  link.click();
  const target = document.getElementById(link.hash.slice(1));
  const heading = target.matches("h2") ? target : target.querySelector("h1, h2, h3");
  const { left, top, bottom } = heading.getBoundingClientRect();
  const seen = document.elementFromPoint(left + 4, (top + bottom) / 2);
  return heading.contains(seen) && bottom < innerHeight ? [] : [link.hash];
})"""
"""Links of the contents whose headings are behind something, or out of sight."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, within: str = "html") -> list[str]:
    """Return what axe finds of the guidelines for accessible content."""
    page.evaluate((NODE_MODULES / "axe-core" / "axe.min.js").read_text())
    result: Any = page.evaluate(
        "([within, values]) => axe.run(within, { runOnly: { type: 'tag', values } })",
        [within, RULES],
    )
    return [
        f"{found['id']}: {node['html'][:100]} {node['failureSummary']}"
        for found in result["violations"]
        for node in found["nodes"]
    ]


class TestContractPage:
    @on_every_size
    def test_shows_everything_within_its_width(self, browser: Browser, size: str) -> None:
        with opened(browser, Reader(size=size)) as page:
            assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size][0]
            assert page.evaluate(OUTSIDE) == []

    @on_every_size
    def test_shows_its_contents(self, browser: Browser, size: str) -> None:
        with opened(browser, Reader(size=size)) as page:
            contents = page.get_by_role("navigation", name="Contents")
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            if size == "phone":
                page.get_by_role("link", name="Contents").click()

            for channel in DOCUMENT["channels"]:
                link = contents.locator(f"a[href='#{channel}']")
                link.scroll_into_view_if_needed()
                expect(link).to_be_in_viewport(ratio=0.9)

    @on_every_size
    def test_shows_each_heading_below_the_bar(self, browser: Browser, size: str) -> None:
        with opened(browser, Reader(size=size)) as page:
            assert page.evaluate(HIDDEN_TARGETS) == []

    @on_every_size
    @pytest.mark.parametrize(
        ("words", "place"),
        [
            ("amount", "Deposit.amount"),
            ("insufficient_funds", "code-insufficient_funds"),
            ("too_many", "problem-too_many"),
            ("balancechanged", "message-BalanceChanged"),
            ("commands.with", "commands-withdraw"),
            ("replytopic", "headers-Open.kafka_replyTopic"),
            ("smaller than the amount", "code-insufficient_funds"),
        ],
    )
    def test_finds(self, browser: Browser, size: str, words: str, place: str) -> None:
        with opened(browser, Reader(size=size)) as page:
            page.keyboard.press("/")
            page.keyboard.type(words)
            page.keyboard.press("Enter")

            expect(page).to_have_url(f"{SECURE}/asyncapi#{place}")
            expect(page.locator(f"[id='{place}'] a").first).to_be_in_viewport(ratio=1)
            expect(page.locator("search ul")).to_be_hidden()

    def test_chooses_among_what_was_found_by_keys(self, browser: Browser) -> None:
        with opened(browser, Reader()) as page:
            box = page.get_by_role("searchbox")
            box.fill("amount")
            for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
                page.keyboard.press(key)
            expect(page.get_by_role("status")).to_contain_text("found")

            page.keyboard.press("Enter")
            expect(page).to_have_url(f"{SECURE}/asyncapi#Withdraw.amount")

            box.fill("nothing like this")
            expect(page.get_by_role("status")).to_have_text("Nothing found")
            page.keyboard.press("Escape")
            expect(page.get_by_role("status")).to_be_hidden()

    @pytest.mark.parametrize("origin", [SECURE, INSECURE])
    def test_copies(self, browser: Browser, origin: str) -> None:
        with opened(browser, Reader(origin=origin)) as page:
            box = page.get_by_role("searchbox")
            if origin == SECURE:
                page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            example = DOCUMENT["components"]["messages"]["Deposit"]["examples"][0]["payload"]

            topic = page.locator("#commands-deposit")

            topic.locator(".address button").click()
            expect(topic.locator(".address button")).to_have_text("Copied")
            box.press("Control+v")
            assert box.input_value() == "accounts.commands.deposit"

            topic.locator("pre button").last.click()
            expect(topic.locator("pre button").last).to_have_text("Copied")
            box.fill("")
            box.press("Control+v")
            assert json.loads(box.input_value()) == example

    @on_every_size
    def test_works_without_scripts(self, browser: Browser, size: str) -> None:
        with opened(browser, Reader(size=size, scripts=False)) as page:
            expect(page.locator("search")).to_be_hidden()
            expect(page.get_by_role("button")).to_have_count(0)

            page.locator("#contents a[href='#codes']").first.click()
            page.locator("#code-expired").get_by_role("link", name="Login").click()
            expect(page.locator("#message-Login h4")).to_be_in_viewport(ratio=1)

            page.locator("#Login\\.reply_key summary").click()
            expect(page.locator("#Login\\.reply_key").get_by_text("crv").last).to_be_visible()

    @pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desktop", "light")])
    def test_can_be_read_by_everybody(self, browser: Browser, size: str, scheme: Any) -> None:
        with opened(browser, Reader(size=size, scheme=scheme)) as page:
            assert violations(page) == []

            page.get_by_role("searchbox").fill("amount")
            assert violations(page, "search") == []

    def test_is_light_or_dark_as_the_reader_likes(self, browser: Browser) -> None:
        seen: list[tuple[int, int]] = []
        for scheme in ("light", "dark"):
            with opened(browser, Reader(scheme=scheme)) as page:
                shown = "(name) => Number(getComputedStyle(document.body)[name].match(/\\d+/)[0])"
                seen.append(
                    (page.evaluate(shown, "backgroundColor"), page.evaluate(shown, "color"))
                )

        [(light_page, light_text), (dark_page, dark_text)] = seen
        assert light_page - light_text > CONTRAST
        assert dark_text - dark_page > CONTRAST

    def test_can_be_used_by_keys_alone(self, browser: Browser) -> None:
        with opened(browser, Reader()) as page:
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport(ratio=1)
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")

            assert page.evaluate("document.activeElement.closest('main') !== null")

    @on_every_size
    def test_stands_still_and_is_there_soon(self, browser: Browser, size: str) -> None:
        with opened(browser, Reader(size=size)) as page:
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
            )
            loaded_ms = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")

            assert page.evaluate("shifts") == []
            assert loaded_ms / 1000 < at_this_speed(LOADED_S)

    def test_opens_from_a_file(
        self, browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            main(["asyncapi", "--html"])
        file = tmp_path / "contract.html"
        file.write_text(capsys.readouterr().out)

        with opened(browser, Reader(), file.as_uri()) as page:
            page.get_by_role("searchbox").fill("insufficient_funds")
            page.keyboard.press("Enter")

            expect(page.locator("#code-insufficient_funds a").first).to_be_in_viewport(ratio=1)
