"""The form in a real Chromium: a sergeant by keyboard alone, and everybody on every page."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from broker.flow.context import Context
from broker.ledger.members import SignedInMember
from broker.referral_form import draft_acts
from broker.referral_form.sections import LISTINGS, SECTIONS
from tests.acceptance.conftest import World, sample, world
from tests.browser.test_inbox import LOOKS, come
from tests.browser.test_inbox import press as press_key
from tests.browser.test_pages import faults, show_in
from tests.integration.gateway.conftest import listening
from tests.rows import rows

__all__ = ["come", "world"]

SHOTS = os.environ.get("SHOTS")
FORCE = "staffordshire-police"


@pytest.fixture
def url(context: Context, world: World) -> Iterator[str]:
    """The address of a gateway."""
    world.at("2026-12-18 16:50")
    with listening(context) as address:
        yield address


def press(page: Page, name: str) -> None:
    """Press a link or a button with the keyboard alone, and wait for the page that it leads to."""
    with page.expect_navigation():
        press_key(page, name)


def reach(page: Page, id_: str) -> None:
    """Go to a field with the keyboard alone."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == id_:
            return
    raise AssertionError(f"{id_} cannot be reached with the keyboard.")


def enter(page: Page, id_: str, text: str) -> None:
    """Type a text in a field, in the place of what it holds."""
    reach(page, id_)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def choose(page: Page, id_: str, downs: int = 0) -> None:
    """Choose an answer of a list of radio buttons."""
    reach(page, id_)
    page.keyboard.press("Space")
    for _ in range(downs):
        page.keyboard.press("ArrowDown")


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def write(page: Page) -> None:
    """Write a referral, section by section."""
    press(page, "How urgent it is")
    choose(page, "grade-level", downs=2)
    enter(page, "grade-reason", "A stranger asks a child for pictures.")
    for part, text in (("day", "17"), ("month", "12"), ("year", "2026"), ("time", "14:20")):
        enter(page, f"times-first_known_at-{part}", text)
    press(page, "Save and continue")
    press(page, "Children")
    press(page, "Add a child")
    enter(page, "given_name", "Wren")
    enter(page, "family_name", "Applegarth")
    press(page, "Save and continue")
    enter(page, "address-postcode", "ST4 1LY")
    press(page, "Find the council")
    expect(page.get_by_role("status")).to_contain_text("ST4 1LY is in Stoke-on-Trent")
    press(page, "Save and continue")
    press(page, "Save and continue")
    choose(page, "ethnicity-unknown", downs=1)
    press(page, "Save and continue")
    choose(page, "spoken")
    enter(page, "said", "He said nobody else understands me.")
    press(page, "Save and continue")
    press(page, "Continue")
    press(page, "What happened")
    choose(page, "concern-category", downs=1)
    enter(page, "concern-summary", "An unknown adult asks a nine-year-old for pictures.")
    press(page, "Save and continue")
    press(page, "Who must not know")
    press(page, "Save and continue")
    press(page, "You and your team")
    enter(page, "referrer-role", "Sergeant")
    press(page, "Save and continue")


def test_a_sergeant_writes_sends_corrects_and_recalls_by_keyboard(
    context: Context, world: World, come: Callable[..., Page]
) -> None:
    page = come(FORCE)
    press(page, "Sign in")
    press(page, "Your referrals")
    press(page, "New referral")
    enter(page, "reference", "SP/2026/4471")
    press(page, "Begin")
    expect(page.get_by_text("You cannot send it yet")).to_be_visible()
    write(page)
    expect(page.get_by_text("You can send it now")).to_be_visible()
    press(page, "Check and send")
    heading(page, "Check who will get it, and by when")
    expect(page.get_by_role("heading", name=re.compile("Stoke-on-Trent"))).to_be_visible()
    assert rows(context, "select count(*) from referral") == [(0,)]
    press(page, "Send to")
    expect(page.get_by_role("status")).to_contain_text("The referral is sent")
    assert rows(context, "select reference, publisher, grade from referral") == [
        ("SP/2026/4471", FORCE, None)
    ]
    world.drain()
    press(page, "Refresh")
    expect(page.get_by_role("rowheader", name=re.compile("Stoke-on-Trent"))).to_be_visible()
    press(page, "Correct this referral")
    press(page, "Children")
    press(page, "Name and age")
    enter(page, "given_name", "Wrenna")
    press(page, "Save and go back")
    press(page, "Check and send")
    expect(page.get_by_role("heading", name="What you correct")).to_be_visible()
    press(page, "Send the correction")
    world.drain()
    assert rows(context, "select version, state from referral") == [(2, "routed")]
    press(page, "Take this referral back")
    choose(page, "reason", downs=1)
    press(page, "Continue")
    heading(page, "Check before you take it back")
    press(page, "Take it back")
    expect(page.get_by_role("status")).to_contain_text("The referral is taken back")
    assert rows(context, "select recall_reason, recalled_by from referral") == [
        ("wrong_person", "Jo Example")
    ]
    assert rows(context, "select ended_because, body from draft") == [("sent", None)] * 2


@pytest.fixture
def paths(context: Context, world: World, come: Callable[..., Page]) -> list[str]:
    """Every page: of an empty draft, a full one, a correction, and a referral that was sent."""
    come(FORCE)
    ((member, name),) = rows(context, "select id, name from member")
    person = SignedInMember(member, name, FORCE, "", frozenset(), context.clock())
    empty = draft_acts.begin(context, person, "SP/EMPTY")
    full = draft_acts.begin(context, person, "SP/2026/4471")
    document = {**FULL, "reference": "SP/2026/4471"}
    draft = draft_acts.open_draft(context, person, full)
    assert draft_acts.save(context, person, draft, document, revision=1)
    receipt = world.routed({**FULL, "reference": "SP/2026/4472"})
    correction = draft_acts.begin_correction(context, person, receipt["id"])
    return [
        *("/", "/?show=all", "/new", f"/drafts/{empty}", f"/drafts/{empty}/check"),
        *(f"/drafts/{full}{path}" for path in ("", "/check", "/delete", "/voices")),
        *(f"/drafts/{full}/{section.key}" for section in SECTIONS.values()),
        *(f"/drafts/{full}/{key}" for key in LISTINGS if key not in SECTIONS),
        *(
            f"/drafts/{full}/{key}/0/{page.key}"
            for key, listing in LISTINGS.items()
            for page in listing.pages
        ),
        *(f"/drafts/{full}/{path}" for path in ("images", "children/new", "children/0/remove")),
        f"/drafts/{correction}/check",
        *(f"/sent/{receipt['id']}{path}" for path in ("", "/recall")),
        "/drafts/none",
    ]


FULL = {
    **sample(1),
    "persons_posing_risk": sample(5)["persons_posing_risk"],
    "household": [{"id": "mother", "given_name": "Delphine", "family_name": "Fernsby"}],
    "concern": {
        **sample(1)["concern"],
        "third_party_reports": [{"text": "He buys her presents.", "reported_by": "A friend"}],
        "judgements": [{"text": "She is at risk.", "made_by": "DS Imogen Farlow"}],
        "intelligence": [{"text": "He has another account.", "handling": "P"}],
    },
}


@pytest.mark.parametrize("looks", LOOKS, ids=str)
def test_every_page_can_be_used_by_everybody(
    come: Callable[..., Page], url: str, paths: list[str], looks: tuple[str, ...]
) -> None:
    page = come(FORCE)
    page.get_by_role("button", name="Sign in").click()
    problems: list[str] = []
    for path in paths:
        page.goto(f"{url}/inbox/referrals{path}")
        problems += looked_at(page, path, looks)
    for path in paths:
        if re.search(r"/(urgency|new|0/about|0/voice|recall)$", path):
            page.goto(f"{url}/inbox/referrals{path}")
            spoil(page)
            expect(page.get_by_text("There is a problem")).to_be_visible()
            problems += looked_at(page, f"{path}-error", looks)
    page.goto(f"{url}/inbox/referrals{next(path for path in paths if path.endswith('/urgency'))}")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    problems += looked_at(page, "/signed-out", looks)
    assert "\n".join(problems) == ""


def looked_at(page: Page, path: str, looks: tuple[str, ...]) -> list[str]:
    """Return what is wrong with a page in each look, and take pictures of it."""
    problems = []
    for look in looks:
        show_in(page, look)
        take_picture(page, path, look)
        problems += [f"{look}: {fault}" for fault in faults(page)]
    return problems


def spoil(page: Page) -> None:
    """Send the form of a page with what cannot be right."""
    for name in ("times-first_known_at-day", "date_of_birth-day", "missing-since-day"):
        for field in page.locator(f'[name="{name}"]').all():
            field.fill("77")
    for field in page.locator('[name="spoken"][value="no"]').all():
        field.check(force=True)
    page.locator("form").last.locator("button").first.click()


def take_picture(page: Page, path: str, look: str) -> None:
    if SHOTS:
        name = re.sub(r"\W+", "-", re.sub(r"[0-9a-f-]{36}", "", path)).strip("-") or "list"
        name += f"-{path.partition('/drafts/')[2][-8:]}" if path.count("/") == 2 else ""
        name = re.sub(r"\W+", "-", f"{name}-{look}")
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
