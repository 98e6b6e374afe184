"""The API's description in a real Chromium: it shows every call and fetches nothing elsewhere."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE, Site


def test_the_page_shows_the_calls_and_asks_nobody_else(browser: Browser, site: Site) -> None:
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        fetched: list[str] = []
        troubles: list[str] = []
        page.on("request", lambda request, to=fetched: to.append(request.url))
        page.on("console", lambda line, to=troubles: line.type == "error" and to.append(line.text))
        page.goto(f"{site.url}/docs")
        expect(page.get_by_text("/v1/collect", exact=True)).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Open in", exact=False)).to_have_count(0)
        page.wait_for_load_state("networkidle")
        own = (f"{site.url}/", "data:")
        assert [url for url in fetched if not url.startswith(own)] == []
        assert troubles == []
        page.close()
