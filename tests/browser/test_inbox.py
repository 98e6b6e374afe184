"""The inbox in a real Chromium: a social worker who has never seen it, and a school on a phone."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from broker.admin import membership
from broker.admin.membership import Invited
from broker.domain.codes import MemberRight
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from tests.acceptance.conftest import World, sample, world
from tests.browser.conftest import PATIENCE
from tests.browser.test_pages import OF_EVERY_RUN, faults_in
from tests.integration.gateway.conftest import listening
from tests.rows import rows

__all__ = ["world"]


COUNCIL, SCHOOL = "staffordshire-csc", "school-900001"


@pytest.fixture
def url(context: Context, world: World) -> Iterator[str]:
    """The address of a gateway with a few referrals."""
    for number in (1, 5, 6, 12):
        world.routed(sample(number))
    with listening(context) as address:
        yield address


@pytest.fixture
def come(context: Context, browser: Browser, url: str) -> Iterator[Callable[..., Page]]:
    """Come in as somebody of an organisation: ``come("stoke-csc")``."""
    contexts: list[BrowserContext] = []

    def go(organisation: str) -> Page:
        code = OrganisationCode(organisation)
        invited = Invited("Jo Example", "jo@example.org", [*MemberRight])
        now = context.clock()
        id_ = membership.add(
            context.ledger, code, invited, by="test", now=now, new_id=context.new_id
        )
        opened = browser.new_context(
            viewport={"width": 1280, "height": 900},
            bypass_csp=True,  # for axe alone; that the policy holds is tested beside it
        )
        opened.set_default_timeout(PATIENCE)
        contexts.append(opened)
        page = opened.new_page()
        page.goto(membership.new_link(context.ledger, id_, url=url, now=now))
        return page

    yield go
    for opened in contexts:
        opened.close()


def press(page: Page, name: str) -> None:
    """Go to a link or a button with the keyboard alone, and press it."""
    for _ in range(120):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.innerText || ''")
        if focused.strip().startswith(name):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} cannot be reached with the keyboard.")


def test_a_social_worker_reads_takes_on_and_decides_by_keyboard(
    context: Context, come: Callable[..., Page]
) -> None:
    page = come(COUNCIL)
    press(page, "Sign in")
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    page.keyboard.press("Tab")
    first = page.locator(".in-item__what a").first
    press(page, first.inner_text())
    expect(page.get_by_role("heading", name="Why you have it")).to_be_visible()
    press(page, "Take it on")
    expect(page.get_by_role("status").first).to_contain_text("You have taken it on")
    press(page, "Decide")
    expect(page.get_by_role("heading", name="What will you do?")).to_be_visible()
    page.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    for group in page.get_by_role("group").all()[1:]:
        group.get_by_role("radio").first.focus()
        page.keyboard.press("Space")
    press(page, "Continue")
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    press(page, "Send the decision")
    expect(page.get_by_role("status").first).to_contain_text("Your decision is sent")
    assert rows(context, "select given_by, outcome from answer where stage = 'decided'") == [
        ("Jo Example", "strategy_discussion")
    ]


@pytest.mark.proof
def test_a_school_reads_takes_on_and_decides_on_a_phone(
    context: Context, come: Callable[..., Page]
) -> None:
    page = come(SCHOOL)
    page.set_viewport_size({"width": 320, "height": 568})
    page.get_by_role("button", name="Sign in").click()
    page.locator(".in-item__what a").first.click()
    expect(page.get_by_role("heading", name="What it is about")).to_be_visible()
    for name, heading in (
        ("Take it on", "What it is about"),
        ("Decide", "What will you do?"),
        ("Continue", "Check your answers"),
        ("Send the decision", "What it is about"),
    ):
        if name == "Continue":
            for group in page.get_by_role("group").all():
                group.get_by_role("radio").first.check()
        target = page.get_by_role("main").get_by_text(name, exact=True).first
        box = target.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320, name
        assert box["height"] >= 24, name
        target.click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
    assert rows(context, "select given_by, stage from answer order by at") == [
        ("Jo Example", "acknowledged"),
        ("Jo Example", "decided"),
    ]


PAGES = (
    *("/", "/?show=done", "/?grade=low&kind=recall", "/team"),
    *("ITEM", "ITEM/decide", "ITEM/return", "ITEM/ask", "ITEM/hand-over"),
)


LOOKS = [OF_EVERY_RUN, pytest.param(("dark", "320 px"), marks=pytest.mark.proof)]
"""Those that every page is looked at in; `make proof` takes the others."""


@pytest.mark.parametrize("organisation", [COUNCIL, SCHOOL])
@pytest.mark.parametrize("looks", LOOKS, ids=str)
def test_every_page_can_be_used_by_everybody(
    come: Callable[..., Page], url: str, organisation: str, looks: tuple[str, ...]
) -> None:
    page = come(organisation)
    page.get_by_role("button", name="Sign in").click()
    problems: list[str] = []
    (item, *_) = re.findall(r"/inbox/items/[0-9a-f-]{36}", page.content())
    for path in PAGES:
        address = path.replace("ITEM", item) if "ITEM" in path else f"/inbox{path}"
        page.goto(f"{url}{address}")
        problems += faults_in(page, looks)
    page.goto(f"{url}/inbox/")
    page.get_by_text("Find or filter").click()
    page.get_by_label("Reference").fill("nothing")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    assert page.url == f"{url}/inbox/"
    problems += faults_in(page, looks)
    page.goto(f"{url}/inbox/sign-in")
    assert "\n".join(problems + faults_in(page, looks)) == ""
