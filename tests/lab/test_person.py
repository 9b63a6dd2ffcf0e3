"""A person in front of the page: Chromium, clicks and keys, and what they see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.labs import page as served
from tests.support.needs import needs_program

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def browser(address: str, **context: object) -> Iterator[Page]:
    chromium = needs_program("chromium", "chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = running.new_page(**context)  # type: ignore[arg-type]
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#screen svg")
        yield page
        running.close()
        assert problems == []


def touch(page: Page, label: str) -> None:
    """Click what the phone's screen calls so."""
    page.locator("#screen svg").get_by_label(label, exact=True).first.click(force=True)


def move(page: Page, plmn: str) -> None:
    """Move the phone to another network."""
    page.get_by_label("Network (PLMN)").fill(plmn)
    page.get_by_role("button", name="Move").click()
    status(page, f"network {plmn}")


def status(page: Page, words: str) -> None:
    expect(page.locator("#status")).to_contain_text(words, timeout=15_000)


def test_the_whole_path_by_clicking(tmp_path: Path) -> None:
    with served() as address, browser(address, viewport={"width": 1440, "height": 900}) as page:
        status(page, "language")
        touch(page, "Español")
        page.screenshot(path=tmp_path / "1-language.png")
        touch(page, "Continuar")
        status(page, "locked")
        expect(page.locator("#screen svg")).to_contain_text("Este dispositivo está bloqueado")
        page.screenshot(path=tmp_path / "2-locked.png")
        page.locator("#screen svg [data-id='ticket.open']").first.click(force=True)
        status(page, "ticket")
        page.get_by_role("button", name="Issue a ticket").click()
        ticket = page.locator("#ticket-text")
        expect(ticket).not_to_be_empty()
        page.locator("#screen").focus()
        page.evaluate(
            """text => { const data = new DataTransfer(); data.setData('text', text);
            document.querySelector('#screen').dispatchEvent(
              new ClipboardEvent('paste', {clipboardData: data, cancelable: true})) }""",
            ticket.inner_text(),
        )
        page.locator("#screen").press("Enter")
        status(page, "home, ACTIVE")
        page.screenshot(path=tmp_path / "3-home.png")
        # A ticket stays good for its phone, so another one travels to Crimea.
        page.get_by_role("button", name="Add a phone").click()
        status(page, "phone-2: language")
        move(page, "26201")
        touch(page, "Continue")
        status(page, "home, ACTIVE")
        move(page, "25032")
        page.get_by_role("button", name="+8 days").click()
        status(page, "locked, LOCKED_TERRITORY")
        expect(page.locator("#screen [aria-label*=Crimea]").first).to_be_attached()
        page.screenshot(path=tmp_path / "4-crimea.png")
        for picture in tmp_path.glob("*.png"):
            assert picture.stat().st_size > 10_000


def test_the_keyboard_alone_is_enough() -> None:
    with served() as address, browser(address) as page:
        status(page, "language")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        page.locator("#screen").focus()
        for _ in range(30):
            page.keyboard.press("Tab")
            answer = page.request.get(f"{address}api/phones/phone-1/screen").json()
            if any(node["focused"] and node["id"] == "continue" for node in answer["nodes"]):
                break
        page.keyboard.press("Enter")
        status(page, "locked")
        page.keyboard.press("F6")
        expect(page.locator("#serving")).to_be_focused()
        page.keyboard.press("Control+A")
        page.keyboard.type("26201")
        page.keyboard.press("Enter")
        status(page, "network 26201")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(width: int, scheme: str) -> None:
    size = {"width": width, "height": 900}
    with served() as address, browser(address, viewport=size, color_scheme=scheme) as page:
        status(page, "language")
        faults = [
            f"{fault['id']}: {fault['help']}: {fault['nodes'][0]['html'][:200]}"
            for fault in Axe().run(page).response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        assert faults == []


def test_the_page_asks_nobody_else_for_anything() -> None:
    with served() as address, browser(address) as page:
        asked = page.evaluate(
            "performance.getEntriesByType('resource').map(entry => new URL(entry.name).origin)"
        )
        assert asked
        assert set(asked) == {address.rstrip("/")}
