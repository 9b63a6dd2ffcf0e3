"""The inline SVG in a browser, judged by axe-core and reached by keyboard."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from firmware_sim.screen import goldens, review, scene, svg
from firmware_sim.screen.device import SMALL
from firmware_sim.screen.goldens import Finding, Kind
from firmware_sim.screen.samples import full_view
from firmware_sim.view import Page
from tests.support.needs import needs_program

PAGES = [
    (Page.LOCKED, "en"),
    (Page.LANGUAGE, "fa"),
    (Page.ACTIVATING, "ru"),
    (Page.TICKET, "zh"),
    (Page.SIM_PIN, "es"),
    (Page.HOME, "ko"),
]


@pytest.fixture(scope="module")
def browser_page():
    chromium = needs_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 480, "height": 960})
        browser.close()


def test_axe_finds_no_fault_and_tab_goes_the_focus_order(browser_page):
    for page, language in PAGES:
        made = scene.build(full_view(page, language))
        browser_page.set_content(
            f'<!doctype html><html lang="{language}"><title>phone</title><main><h1>phone</h1>'
            f"{svg.render(made)}</main></html>"
        )
        found = Axe().run(browser_page).response["violations"]
        assert not found, f"{page}: {[(fault['id'], fault['nodes'][0]['html']) for fault in found]}"
        reached = []
        for _ in made.focus_order():
            browser_page.keyboard.press("Tab")
            reached.append(browser_page.evaluate("document.activeElement.getAttribute('data-id')"))
        assert reached == [node.key for node in made.focus_order()]


def test_a_review_is_done_with_the_keyboard_and_saved_as_a_list(browser_page, tmp_path):
    before = goldens.draw(scene.build(full_view(Page.BOOT, "en"), SMALL.reduced(4)))
    after = goldens.draw(scene.build(full_view(Page.BOOT, "ru"), SMALL.reduced(4)))
    findings = [
        Finding(
            kind=Kind.CHANGED,
            name=f"small/boot.{language}.png",
            before=before,
            after=after,
            detail="<b>some</b>",
        )
        for language in ("en", "fr", "ru")
    ]
    page = tmp_path / "review.html"
    page.write_text(review.page(findings), encoding="utf-8")
    browser_page.goto(page.as_uri())
    assert not Axe().run(browser_page).response["violations"]
    assert browser_page.locator("img").count() == 9
    assert browser_page.locator("article p b").count() == 0, "details are text, not markup"
    browser_page.keyboard.press("a")
    browser_page.keyboard.press("j")
    browser_page.keyboard.press("a")
    browser_page.keyboard.press("k")
    browser_page.keyboard.press("k")
    browser_page.keyboard.press("u")
    assert browser_page.locator("#count").inner_text() == "3 shown, 1 approved"
    browser_page.keyboard.press("a")
    with browser_page.expect_download() as saved:
        browser_page.keyboard.press("s")
    approved = review.listed(Path(saved.value.path()).read_text(encoding="utf-8"))
    assert approved == {"small/boot.en.png", "small/boot.ru.png"}
    browser_page.locator("select[name=locale]").select_option("fr")
    assert browser_page.locator("article:visible").count() == 1
