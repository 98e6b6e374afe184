"""A person signs in at their organisation and out again, in a real Chromium, by keyboard alone."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from broker.devstack.engines import Engines
from broker.domain.codes import Right
from tests.browser.conftest import PATIENCE
from tests.browser.test_pages import violations
from tests.integration.gateway.test_provider import Site, served
from tests.integration.inbox.test_provider_sign_in import ADDRESS, KNOWN, invite, use_provider
from tests.openid import Person

RIGHTS = {"ops": frozenset({Right.ACT})}


def test_somebody_signs_in_and_out_with_a_provider(
    engines: Engines, template: str, browser: Browser
) -> None:
    with served(engines, template, RIGHTS) as site:
        site.openid.asks = True
        context = browser.new_context(bypass_csp=False)
        context.set_default_timeout(PATIENCE)
        try:
            _in_and_out(site, context.new_page())
            _without_a_right(site, context.new_page())
        finally:
            context.close()


def _in_and_out(site: Site, page: Page) -> None:
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(f"{site.url}/ops/attention")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("button", name="Sign in with your organisation").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="I am Jo Example").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/ops/attention")
    expect(page.locator(".ops-person")).to_contain_text("Jo Example")
    cookies = {cooky["name"]: cooky for cooky in page.context.cookies()}
    assert cookies["broker-session"]["httpOnly"]
    assert "broker-sign-in" not in cookies
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/ops/signed-out*")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    assert "/out" in [path for path, _ in site.openid.asked]
    page.goto(f"{site.url}/ops/")
    assert "/ops/sign-in" in page.url
    assert [message for message in messages if "Content Security Policy" in message] == []


def _without_a_right(site: Site, page: Page) -> None:
    site.openid.person = Person(name="Lee Example", groups=["kitchen"])
    page.goto(f"{site.url}/ops/sign-in")
    page.get_by_role("button", name="Sign in with your organisation").click()
    page.get_by_role("button", name="I am Lee Example").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not possible")
    expect(page.get_by_text("none of your groups there has permissions here")).to_be_visible()


def test_the_pages_of_signing_in_can_be_read_by_everybody(
    engines: Engines, template: str, browser: Browser
) -> None:
    with served(engines, template, RIGHTS) as site:
        for scheme in ("light", "dark"):
            context = browser.new_context(
                bypass_csp=True, viewport={"width": 320, "height": 800}, color_scheme=scheme
            )
            page = context.new_page()
            results = []
            for path in ("/ops/sign-in", "/ops/signed-out", "/ops/sign-in/answer?state=x"):
                page.goto(site.url + path)
                results += violations(page)
                assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            context.close()
            assert "\n".join(results) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_member_signs_in_and_chooses_an_inbox(
    engines: Engines, template: str, browser: Browser, scheme: str, tmp_path: Path
) -> None:
    with served(engines, template, {}) as site:
        site.openid.asks, site.openid.claims = True, KNOWN
        site.openid.back = f"{site.url}/inbox/sign-in/answer"
        site.openid.out = f"{site.url}/inbox/signed-out"
        for organisation in ("staffordshire-csc", "stoke-csc"):
            invite(site, organisation, "Jo Example", ADDRESS, "answer", "administer")
            use_provider(site, organisation)
        context = browser.new_context(
            bypass_csp=True, viewport={"width": 320, "height": 800}, color_scheme=scheme
        )
        context.set_default_timeout(PATIENCE)
        try:
            problems = _member(site, context.new_page(), tmp_path)
        finally:
            context.close()
        assert "\n".join(problems) == ""


def _member(site: Site, page: Page, folder: Path) -> list[str]:
    """Go the whole way by keyboard, and return what axe says of each page."""
    problems: list[str] = []

    def look(name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        problems.extend(violations(page))

    page.goto(f"{site.url}/inbox/team")
    look("sign-in")
    page.get_by_role("button", name="Sign in with your organisation").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="I am Jo Example").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose an inbox")
    look("choose")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()
    look("choose-error")
    page.get_by_label("Stoke-on-Trent").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Continue").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/inbox/team")
    look("team")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site.url}/inbox/signed-out*")
    look("signed-out")
    return problems
