"""The pictures in a real Chromium, with 3, 300 and 30,000 deliveries: small, legible, for all."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser import busy_night
from tests.browser.conftest import Site
from tests.browser.test_pages import LOOKS, faults

SIZES = [
    (3, ("light", "forced colours")),
    (300, ("320 px, dark",)),
    pytest.param(30_000, ("light", "320 px"), marks=pytest.mark.proof),
]
MOST_BYTES = 180_000
"""All pictures of a page together."""
SHOWN = "drawing => getComputedStyle(drawing).display !== 'none'"
CUT = """
() => [...document.querySelectorAll('.pic-drawing')]
    .filter(drawing => getComputedStyle(drawing).display !== 'none')
    .flatMap(drawing => [...drawing.querySelectorAll('svg text')].map(text => ({
        text: text.textContent,
        box: text.getBoundingClientRect(),
        frame: drawing.getBoundingClientRect(),
        size: parseFloat(getComputedStyle(text).fontSize),
    })))
    .filter(({box, frame, size}) =>
        box.left < frame.left - 1 || box.right > frame.right + 1 || size < 11)
    .map(({text}) => text)
"""
"""The texts of drawings that are cut off at an edge, or too small to read."""


def pages(site: Site, count: int) -> dict[str, str]:
    """Return the address of each page with a picture, and the picture's name."""
    referral = busy_night.referral(site.dsn, min(count, 300))
    return {
        f"/ops/referrals/{referral}": "referral-timeline",
        "/ops/figures": "deadline-hours",
        "/ops/agencies/stoke-csc": "agency-days",
        "/ops/areas": "area-tiles-west-midlands",
    }


@pytest.mark.parametrize(("count", "looks"), SIZES)
def test_every_picture_can_be_read_by_everybody(
    visit: Callable[..., Page], site: Site, count: int, looks: tuple[str, ...]
) -> None:
    busy_night.fill(site.dsn, count)
    addresses, results = pages(site, count), []
    for look in looks:
        page = visit("/ops/sign-in", bypass_csp=True, **LOOKS[look])
        for address, name in addresses.items():
            page.goto(site.url + address)
            drawings = page.locator(".pic-drawing")
            sizes = [
                len(text) for text in drawings.evaluate_all("all => all.map(d => d.innerHTML)")
            ]
            assert sum(sizes) <= MOST_BYTES, address
            assert f'id="{name}-finding"' in page.content(), address
            hides_tiles = look.startswith("320") and name.startswith("area-tiles")
            shown = drawings.evaluate_all(f"all => all.filter({SHOWN}).length")
            is_empty = "No deadline fell in the last 28 days." in page.content()
            assert shown >= 1 or hides_tiles or is_empty, address
            results += [f"{look} {address}: {text} is cut" for text in page.evaluate(CUT)]
            results += faults(page)
        page.context.close()
    assert "\n".join(results) == ""


def test_a_wider_window_has_a_wider_drawing(visit: Callable[..., Page], site: Site) -> None:
    referral = busy_night.referral(site.dsn)
    widths = []
    for width in (1280, 800, 320):
        page = visit(f"/ops/referrals/{referral}", width=width)
        shown = page.locator(".pic-drawing").evaluate_all(
            f"all => all.filter({SHOWN}).map(d => d.querySelector('svg').width.baseVal.value)"
        )
        widths.append(shown)
        page.context.close()
    assert widths == [[1000], [640], [272]]


def test_a_picture_prints_with_its_table_and_whole(visit: Callable[..., Page], site: Site) -> None:
    referral = busy_night.referral(site.dsn)
    page = visit(f"/ops/referrals/{referral}")
    page.emulate_media(media="print")
    table = page.locator("#referral-timeline-table table")
    assert table.is_visible()
    assert not page.locator("#referral-timeline-table summary").is_visible()
    printed = page.pdf(format="A4", landscape=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 1
    assert "Who has it, and by when" in page.locator("#picture-part").inner_text()


def test_the_table_says_what_the_rows_say(visit: Callable[..., Page], site: Site) -> None:
    referral = busy_night.referral(site.dsn)
    page = visit(f"/ops/referrals/{referral}")
    page.locator("#referral-timeline-table summary").click()
    rows = page.locator("#referral-timeline-table tbody tr")
    stored = site.look(
        "select organisation.name, delivery.state from delivery"
        " join organisation on organisation.code = agency where referral = %s order by id",
        referral,
    )
    assert rows.count() == len(stored)
    for number, (name, state) in enumerate(stored, 1):
        text = rows.nth(number - 1).inner_text()
        assert text.startswith(f"{number}. {name}")
        words = {"available": "waiting", "acknowledged": "deadline paused", "collected": "late"}
        assert words.get(state, state) in text.lower()
