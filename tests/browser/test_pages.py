"""Every page in a real Chromium: to be read by everybody, live, and safe."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import urllib3
from playwright.sync_api import Page, expect
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from broker.admin import operator_actions, sign_in
from broker.admin.sign_in import SESSION_FOR
from broker.bootstrap import new_uuid7
from broker.domain.codes import Right
from tests.browser.conftest import AXE, Site

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = {
    "light": {},
    "dark": {"dark": True},
    "forced colours": {"forced_colors": "active"},
    "320 px": {"width": 320},
    "320 px, dark": {"width": 320, "dark": True},
    "200 %": {"width": 640, "device_scale_factor": 2},
}
OF_EVERY_RUN = ("light", "320 px, dark")
DENSE = "200 %"
"""Of a window of its own: how dense its pixels are stays as it was opened."""
Visit = Callable[..., Page]
MOST_STROKES = 12


def looks(*of_every_run: str) -> list[Any]:
    """Return all looks as parameters of a test, each as many as one window can have.

    `make proof` runs the others.
    """
    others = [look for look in LOOKS if look not in (*of_every_run, DENSE)]
    return [
        pytest.param(of_every_run, id="; ".join(of_every_run)),
        *(
            pytest.param(group, id="; ".join(group), marks=pytest.mark.proof)
            for group in (tuple(others), (DENSE,))
        ),
    ]


def pages(site: Site) -> list[str]:
    """Return the address of every page that asks who one is."""
    results = "select {} from delivery where state = 'undeliverable' order by id limit 1"
    (referral,) = site.look(results.format("referral"))[0]
    (delivery,) = site.look(results.format("id"))[0]
    (corrected,) = site.look("select referral from correction limit 1")[0]
    (escalation, late) = site.look("select id, organisation from escalation")[0]
    found_replays = site.look("select id from replay limit 1")
    replay = found_replays[0][0] if found_replays else planned(site)
    return [
        "/ops/",
        "/ops/figures?slot=5m&window=28d",
        "/ops/areas",
        "/ops/agencies",
        "/ops/agencies?q=stoke&kind=school&show=late",
        f"/ops/agencies/{late}",
        f"/ops/agencies/{late}/take-on",
        "/ops/escalations",
        f"/ops/escalations/{escalation}",
        "/ops/silent",
        "/ops/flows",
        "/ops/questions",
        "/ops/attention",
        "/ops/notices",
        "/ops/agencies/stoke-csc",
        "/ops/agencies/stoke-csc/change",
        f"/ops/referrals/{referral}",
        f"/ops/act/replay/{delivery}",
        f"/ops/act/reroute/{delivery}",
        f"/ops/act/cause/{delivery}",
        f"/ops/act/reveal/{referral}",
        f"/ops/act/areas/{referral}",
        f"/ops/referrals/{corrected}",
        f"/ops/referrals/{corrected}/told",
        "/ops/act/pause/stoke-csc",
        "/ops/replays",
        f"/ops/replays/{replay}",
        "/ops/send-on",
        "/ops/policy",
        "/ops/search?q=nothing",
    ]


def open_pages(site: Site) -> list[str]:
    """Return the address of every page that anybody may see."""
    link = site.link("Jo Example", *Right).removeprefix(site.url)
    return ["/ops/sign-in", link, "/ops/sign-in/used-up", "/ops/nowhere"]


def planned(site: Site) -> Any:
    """Plan a replay, and return its id."""
    context = site.context
    collected = {
        "agency": "",
        "cause": "",
        "per_minute": operator_actions.PER_MINUTE,
        "by": "person:Jo Example",
    }
    return operator_actions.plan_replay(context, **collected)


def violations(page: Page) -> list[str]:
    """Return what axe finds; the pages that this window opens from now on bring axe along."""
    if not page.evaluate("'axe' in window"):
        page.context.add_init_script(path=AXE)
        page.evaluate(AXE.read_text(encoding="utf-8"))
    results = page.evaluate(
        "rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        f"{page.url} {violation['id']}: {node['html'][:160]}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


def faults(page: Page) -> list[str]:
    """Return what axe finds with everything folded out, and how much wider the page is."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    results = violations(page)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return results + ([f"{page.url} is {wide} px wider than the window"] if wide > 0 else [])


def show_in(page: Page, look: str) -> None:
    """Give a page that is open a look: to load it once for each costs as much as to look at it."""
    options = LOOKS[look]
    page.set_viewport_size({"width": options.get("width", 1280), "height": 900})
    page.emulate_media(
        color_scheme="dark" if options.get("dark") else "light",
        forced_colors=options.get("forced_colors", "none"),
    )


def faults_in(page: Page, looks: Iterable[str]) -> list[str]:
    """Return what is wrong with a page in each of these looks."""
    results = []
    for look in looks:
        show_in(page, look)
        results += [f"{look}: {fault}" for fault in faults(page)]
    return results


@pytest.mark.parametrize("looks", looks(*OF_EVERY_RUN))
def test_every_page_can_be_read_by_everybody(
    visit: Visit, site: Site, looks: tuple[str, ...]
) -> None:
    page = visit("/ops/", bypass_csp=True, **LOOKS[looks[0]])
    results = []
    closed_pages = pages(site)
    for path in closed_pages + open_pages(site):
        answer = page.goto(site.url + path)
        assert answer is not None
        assert answer.status in (200, *([] if path in closed_pages else [404, 410])), path
        results += faults_in(page, looks)
    assert "\n".join(results) == ""


def test_what_a_form_leads_to_can_be_read_by_everybody(visit: Visit, site: Site) -> None:
    replay = planned(site)
    (referral,) = site.look("select id from referral order by reference limit 1")[0]
    redirect = next(path for path in pages(site) if "/act/reroute/" in path)
    page = visit("/ops/sign-in", bypass_csp=True)
    results = []
    for path, button in (
        (redirect, "Continue"),
        ("/ops/send-on", "Show the plan"),
        (f"/ops/replays/{replay}", "Start the replay"),
    ):
        page.goto(site.url + path)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text("There is a problem")).to_be_visible()
        results += faults_in(page, OF_EVERY_RUN)
    page.goto(f"{site.url}/ops/agencies/stoke-csc/change")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()
    results += faults_in(page, OF_EVERY_RUN)
    page.locator("#duty-telephone").fill("01632 960199")
    page.locator("#duty-email").fill(f"{'long' * 10}@{'county' * 8}.example.org")
    page.locator("#starts").fill("2099-09-30")
    page.locator("#duty-hours").fill("Mon-Fri 08:00-17:00\nSat 10:00-12:00")
    page.get_by_label("Why", exact=True).fill("a new number")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Nothing has been changed yet")).to_be_visible()
    results += faults_in(page, OF_EVERY_RUN)
    hidden = "document.querySelector('.ops-scroll').scrollWidth - innerWidth"
    show_in(page, "320 px")
    assert page.evaluate(hidden) <= 0, "a person confirms what they see"
    page.goto(f"{site.url}/ops/act/reveal/{referral}")
    page.get_by_label("Why", exact=True).fill("the agency rang")
    page.get_by_role("button", name="Show the content").click()
    expect(page.get_by_text("MARKED-CONTENT-4711")).to_be_visible()
    results += faults_in(page, OF_EVERY_RUN)
    with site.later(hours=11, minutes=50):
        page.goto(f"{site.url}/ops/")
        expect(page.get_by_text("Your session ends")).to_be_visible()
        results += faults_in(page, OF_EVERY_RUN)
    assert "\n".join(results) == ""


def test_nothing_breaks_the_content_security_policy(visit: Visit, site: Site) -> None:
    page = visit("/ops/")
    collected: list[str] = []
    page.on("console", lambda message: collected.append(message.text))
    page.on("pageerror", lambda error: collected.append(str(error)))
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    for path in [*pages(site), *open_pages(site)[:2]]:
        page.goto(site.url + path)
    assert collected == []
    assert all(url.startswith(site.url) for url in requested)


def test_a_breach_is_seen_without_a_reload(visit: Visit, site: Site) -> None:
    page = visit("/ops/")
    expect(page.locator("#live-state")).to_have_text("● Live")
    before = site.context.ledger.monitoring.risk_counts(now=site.clock.now).breached
    with site.later(minutes=5, seconds=1):
        after = site.context.ledger.monitoring.risk_counts(now=site.clock.now).breached
        assert after > before
        expect(page.locator("#sentence")).to_contain_text(f"{after} late")
        expect(page.locator("#figures-part")).to_contain_text(f"{after}")


def test_paused_updates_stay_paused(visit: Visit, site: Site) -> None:
    page = visit("/ops/")
    expect(page.locator("#live-state")).to_have_text("● Live")
    page.get_by_role("button", name="Pause updates").click()
    expect(page.locator("#live-state")).to_contain_text("Updates are paused: figures as of")
    was = page.locator("#sentence").text_content()
    with site.later(minutes=7):
        page.wait_for_timeout(2500)
        assert page.locator("#sentence").text_content() == was


LIVE = [
    "/ops/",
    "/ops/attention",
    "/ops/agencies/stoke-csc",
    "/ops/referrals/",
    "/ops/replays",
    "/ops/replays/",
]


@pytest.mark.parametrize("look", [pytest.param("dark", marks=pytest.mark.proof), "320 px"])
def test_a_page_that_gets_no_answer_says_how_old_its_figures_are(
    visit: Visit, site: Site, look: str
) -> None:
    """Whatever the answer is, on every page that shows figures; until there is a good one."""
    page = visit("/ops/sign-in", bypass_csp=True, **LOOKS[look])
    every = pages(site)
    addresses = [next(page for page in every if page.startswith(start)) for start in LIVE]
    for path, status in zip(addresses, (500, 503, 403, 404, 502, 500), strict=True):
        page.goto(site.url + path)
        expect(page.locator("#live-state")).to_have_text("● Live")
        page.route(site.url + path, lambda route, *, status=status: route.fulfill(status=status))
        with site.later(minutes=5):
            lost = "○ Not answering: figures as of 10:00:00"
            expect(page.locator("#live-state")).to_have_text(lost)
            assert faults(page) == []
            page.unroute_all()
        expect(page.locator("#live-state")).to_have_text("● Live")


def test_a_page_says_that_the_ledger_is_away_and_goes_on_by_itself(
    visit: Visit, site: Site
) -> None:
    page = visit("/ops/")
    expect(page.locator("#live-state")).to_have_text("● Live")
    page.evaluate("window.isTheSame = true")
    with closed(site):
        # The figures may be those of a test before, which had moved the clock.
        lost = re.compile(r"^○ Not answering: figures as of [0-9]{2}:[0-9]{2}:[0-9]{2}$")
        expect(page.locator("#live-state")).to_have_text(lost)
    expect(page.locator("#live-state")).to_have_text("● Live")
    assert page.evaluate("window.isTheSame")


@pytest.mark.parametrize(
    "path", ["/ops/figures?window=7d", "/ops/act/pause/stoke-csc", "/ops/nowhere"]
)
def test_an_open_page_says_when_the_session_is_about_to_end(
    visit: Visit, site: Site, path: str
) -> None:
    page = visit("/ops/sign-in")
    warning = page.get_by_text("Your session ends today 22:00.")
    with site.later(seconds=(SESSION_FOR - timedelta(minutes=15, seconds=3)).total_seconds()):
        page.goto(f"{site.url}{path}")
        expect(warning).to_be_hidden()
        expect(warning).to_be_visible()


def test_a_page_with_figures_says_that_the_session_has_ended(visit: Visit, site: Site) -> None:
    page = visit("/ops/attention")
    expect(page.locator("#live-state")).to_have_text("● Live")
    with site.later(hours=13):
        # With nothing else to tell of, the page looks again after 15 seconds at the latest.
        ended = "Your session has ended"
        expect(page.locator("#live-state")).to_contain_text(ended)


@contextmanager
def closed(site: Site) -> Iterator[None]:
    """Let nobody into the database of the pages, those included who are in it."""
    name = conninfo_to_dict(site.dsn)["dbname"]
    elsewhere = make_conninfo(site.dsn, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(f"alter database {name} allow_connections false".encode())
        connection.execute(
            b"select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        try:
            yield
        finally:
            connection.execute(f"alter database {name} allow_connections true".encode())


def test_a_delivery_is_replayed_by_keyboard_alone(visit: Visit, site: Site) -> None:
    """Find a reference, replay its delivery: every stroke counts but the texts that are typed."""
    (delivery, reference) = site.look(
        "select delivery.id, reference from delivery join referral on referral.id = referral"
        " where delivery.state = 'undeliverable' order by delivery.id desc limit 1"
    )[0]
    page = visit("/ops/")
    strokes = 0

    def press(key: str) -> None:
        nonlocal strokes
        strokes += 1
        page.keyboard.press(key)

    press("/")
    page.keyboard.type(reference)
    press("Enter")
    page.wait_for_url("**/ops/referrals/*")
    replay = page.get_by_role("link", name=re.compile(r"^Replay\s"))
    while strokes < MOST_STROKES and not replay.evaluate("one => one === document.activeElement"):
        press("Tab")
    press("Enter")
    page.wait_for_url("**/ops/act/replay/*")
    expect(page.get_by_role("textbox", name="Why")).to_be_focused()
    page.keyboard.type("their limit was raised")
    press("Enter")
    expect(page.get_by_role("status").first).to_contain_text(
        "back in its agency’s queue".replace("’", "'")
    )
    assert strokes <= MOST_STROKES
    assert site.look("select state from delivery where id = %s", delivery) == [("available",)]
    assert "their limit was raised" in page.locator(".ops-timeline").inner_text()


def test_everything_works_without_javascript(visit: Visit, site: Site) -> None:
    page = visit("/ops/", java_script_enabled=False)
    expect(page.get_by_role("link", name="Refresh this page")).to_be_visible()
    page.goto(f"{site.url}/ops/attention")
    page.get_by_role("button", name="Plan a replay of everything").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Plan: replay")
    page.get_by_role("button", name="Start the replay").click()
    expect(page.get_by_role("link", name="Give a reason: others will read it.")).to_be_visible()
    page.get_by_label("Why", exact=True).fill("the channel is mended")
    page.get_by_role("button", name="Start the replay").click()
    expect(page.get_by_role("button", name="Stop for good")).to_be_visible()
    page.get_by_role("button", name="Stop for good").click()
    expect(page.locator("#replay-part")).to_contain_text("stopped")
    expect(page.locator("#replay-part")).to_contain_text("Stopped by Jo Example")


def test_the_heat_maps_table_has_every_slot(visit: Visit, site: Site) -> None:
    page = visit("/ops/figures")
    page.locator("#heat-table summary").click()
    table = page.get_by_role("table", name="Deadlines met of those due")
    slots = table.get_by_role("columnheader").all_inner_texts()[1:-2]
    assert slots == [f"{(11 + n) % 24:02}:00" for n in range(24)]
    cells = page.locator("#heat-part .ops-heat").count()
    assert cells == table.get_by_role("cell", name=re.compile(r"^\d+ of \d+$")).count() - 12
    page.locator("#heat-part svg a").first.click()
    expect(page.get_by_role("heading", name="Its queue, soonest first")).to_be_visible()


def test_what_is_late_is_taken_on_handed_over_and_undone(visit: Visit, site: Site) -> None:
    """From the first page, by two people, each in their own name."""
    sign_in.add(site.context.ledger, "Kim", {Right.ACT}, now=site.clock.now, new_id=new_uuid7)
    row = "select state, acknowledged_by, taken_until, offered_to from escalation"
    until = site.clock.now + timedelta(minutes=30)
    page = visit("/ops/")
    page.get_by_role("link", name=re.compile("^I’m dealing with this")).first.click()
    page.get_by_label("What are you doing? (optional)").fill("I am ringing the team leader")
    page.get_by_role("button", name="I’m dealing with this").click()
    expect(page.get_by_role("status").first).to_contain_text("You have taken this on")
    assert site.look(row) == [("acknowledged", "person:Jo Example", until, None)]
    page.goto(f"{site.url}/ops/escalations")
    expect(page.locator("#escalations-part")).to_contain_text("Jo Example is dealing with this")
    page.get_by_role("link", name=re.compile("^Hand over, keep or undo")).click()
    page.get_by_role("button", name="Ask them to take over").click()
    expect(page.get_by_role("link", name="Choose a colleague.")).to_be_visible()
    page.get_by_label("Hand over to").select_option("Kim")
    page.get_by_role("button", name="Ask them to take over").click()
    expect(page.get_by_text("Kim was asked to take over, and has not yet.")).to_be_visible()
    assert site.look(row) == [("acknowledged", "person:Jo Example", until, "person:Kim")]
    page.get_by_role("button", name="Undo: alert people again").click()
    expect(page.get_by_role("status").first).to_contain_text("People are alerted again")
    assert site.look(row) == [("open", None, None, None)]
    reason = "select reason from act where kind = 'delivery.escalation_acknowledged'"
    assert site.look(reason) == [("I am ringing the team leader",)]


def test_delivery_is_paused_and_resumed(visit: Visit, site: Site) -> None:
    page = visit("/ops/agencies/stoke-csc")
    page.get_by_role("link", name="Suspend delivery").click()
    page.get_by_role("button", name="Suspend delivery").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()
    page.get_by_label("Why", exact=True).fill("their system is down")
    page.get_by_role("button", name="Suspend delivery").click()
    expect(page.get_by_text("Delivery is suspended")).to_be_visible()
    page.get_by_role("link", name="Resume delivery").click()
    page.get_by_label("Why", exact=True).fill("it is up again")
    page.get_by_role("button", name="Resume delivery").click()
    expect(page.get_by_role("link", name="Suspend delivery")).to_be_visible()


def test_content_is_hidden_until_somebody_says_why(visit: Visit, site: Site) -> None:
    (referral,) = site.look("select id from referral order by reference limit 1")[0]
    page = visit(f"/ops/referrals/{referral}")
    assert "MARKED-CONTENT" not in page.content()
    page.get_by_role("link", name="Show the content").click()
    page.get_by_label("Why", exact=True).fill("the agency rang")
    page.get_by_role("button", name="Show the content").click()
    expect(page.get_by_text("MARKED-CONTENT-4711")).to_be_visible()
    page.goto(f"{site.url}/ops/referrals/{referral}")
    assert "MARKED-CONTENT" not in page.content()
    assert "Content shown to a person" in page.locator(".ops-timeline").inner_text()
    assert "the agency rang" in page.locator(".ops-timeline").inner_text()


def test_a_corrected_referral_shows_both_grades_and_what_moved(visit: Visit, site: Site) -> None:
    (corrected,) = site.look("select referral from correction limit 1")[0]
    shown = visit(f"/ops/referrals/{corrected}").locator("#versions-part").inner_text()
    assert "It was treated as low before." in shown
    assert "must acknowledge by today 08:20, was tomorrow 16:00." in shown
    assert "Not yet" in shown


def test_who_was_told_prints_on_one_page_without_what_is_pressed(visit: Visit, site: Site) -> None:
    (corrected,) = site.look("select referral from correction limit 1")[0]
    page = visit(f"/ops/referrals/{corrected}/told")
    assert page.get_by_role("link", name="Download as CSV").is_visible()
    page.emulate_media(media="print")
    assert not page.get_by_role("link", name="Download as CSV").is_visible()
    assert not page.locator(".ops-header").is_visible()
    table = page.locator(".ops-table--record")
    assert table.evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    # A4 across, in points.
    assert re.search(rb"/MediaBox\s*\[0 0 84[12][.\d]* 59[45]", printed)


def test_who_may_only_look_can_press_nothing(visit: Visit, site: Site) -> None:
    page = visit("/ops/", Right.VIEW)
    assert (
        page.get_by_role(
            "link", name=re.compile(r"^(I’m dealing with this|Replay\s|Redirect)")
        ).count()
        == 0
    )
    acts = [path for path in pages(site) if "/act/" in path]
    assert len(acts) == 6
    for path in acts:
        answer = page.goto(site.url + path)
        assert answer is not None
        assert answer.status == 403
    (referral,) = site.look("select id from referral limit 1")[0]
    page.goto(f"{site.url}/ops/referrals/{referral}")
    assert "You do not have permission to see it" in page.content()


def test_a_stranger_is_asked_to_sign_in(site: Site) -> None:
    with urllib3.PoolManager() as http:
        for path in pages(site):
            answer = http.request("GET", site.url + path)
            assert answer.status == 200
            assert "/ops/sign-in" in str(answer.geturl())


def test_signing_out_ends_it(visit: Visit, site: Site) -> None:
    page = visit("/ops/", by_button=True)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    page.goto(f"{site.url}/ops/")
    assert "/ops/sign-in" in page.url


def test_a_form_of_another_session_changes_nothing(visit: Visit, site: Site) -> None:
    page = visit("/ops/", by_button=True)
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    headers = {
        "Cookie": f"{cookie['name']}={cookie['value']}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    with urllib3.PoolManager(retries=False) as http:
        for body, more in (
            ("reason=x", {}),
            ("reason=x&token=guess", {}),
            ("reason=x", {"Sec-Fetch-Site": "cross-site"}),
        ):
            answer = http.request(
                "POST",
                f"{site.url}/ops/act/pause/stoke-csc",
                body=body,
                headers={**headers, **more},
            )
            assert answer.status == 403
    assert site.look("select id from stop where ended_at is null") == []


def test_over_tls_the_cookie_is_bound_to_it(site: Site) -> None:
    link = site.link("Jo Example").removeprefix(site.url)
    headers = {"Host": "ops.example.org", "Content-Type": "application/x-www-form-urlencoded"}
    with urllib3.PoolManager(retries=False) as http:
        answer = http.request("POST", site.url + link, body="", headers=headers, redirect=False)
    header = answer.headers["set-cookie"]
    assert header.startswith("__Host-broker-session=")
    assert "Secure" in header
    assert "HttpOnly" in header
