"""The inline SVG in a browser, judged by axe-core and reached by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from firmware_sim.screen import scene, svg
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
