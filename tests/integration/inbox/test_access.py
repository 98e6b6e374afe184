"""Nobody sees another organisation's referrals, and everybody does what they may alone."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from broker.admin import membership, operator_actions
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.inbox.app import routes
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock, eventually
from tests.integration.inbox.conftest import OFFICE, Person
from tests.mail_server import MailServer
from tests.rows import rows

LINK = re.compile(r"/inbox/sign-in/[\w-]+")


@pytest.fixture
def jo(enter: Callable[..., Person]) -> Person:
    return enter(OFFICE, "Jo Example", "answer", "administer")


def test_another_organisations_referral_is_not_there(
    context: Context, world: World, enter: Callable[..., Person], jo: Person
) -> None:
    world.routed(sample(12))
    ((item,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    other = enter("shropshire-csc", "Kim Example", "answer", "administer")
    for path in ("", "/print", "/decide", "/return", "/hand-over"):
        other.get(f"/items/{item}{path}", 404)
    for path in ("take-on", "decide", "return", "destroyed", "hand-over", "deal-with"):
        answer = other.browser.post(
            f"/inbox/items/{item}/{path}",
            data={"token": _token(other), "outcome": "advice", "reason": "not_ours"}
            | {"confirmed": "ops", "to": str(jo.id), "destroyed": "yes"},
        )
        assert answer.status_code in (404, 422), path
    assert rows(context, "select count(*) from look") == [(0,)]
    assert rows(context, "select count(*) from answer") == [(0,)]
    assert rows(context, "select count(*) from handler") == [(0,)]
    assert str(item) not in other.get("/")


def test_who_may_only_read_changes_nothing(
    context: Context, world: World, enter: Callable[..., Person]
) -> None:
    world.routed(sample(12))
    ((item,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    reader = enter(OFFICE, "Lee Example")
    page = reader.get(f"/items/{item}")
    assert "Take it on</button>" not in page
    for path in (f"/items/{item}/take-on", f"/items/{item}/decide", "/team"):
        reader.post(path, 403, name="X Example", email="x@example.org")
    assert rows(context, "select stage from answer") == [("collected",)]
    assert rows(context, "select count(*) from member") == [(1,)]


def test_a_form_of_another_session_or_site_changes_nothing(
    context: Context, world: World, jo: Person
) -> None:
    world.routed(sample(12))
    ((item,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    path = f"/inbox/items/{item}/take-on"
    assert jo.browser.post(path, data={"token": "other"}).status_code == 403
    assert jo.browser.post(path, data={"token": "ünlike"}).status_code == 403
    site = {"sec-fetch-site": "cross-site"}
    assert jo.browser.post(path, data={"token": _token(jo)}, headers=site).status_code == 403
    assert rows(context, "select count(*) from answer") == [(0,)]


OPEN = {"/sign-in", "/signed-out", "/sign-in/{link}", "/static/{name}"}


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (route.path, method)
        for route in routes()
        if isinstance(route, Route) and route.path not in OPEN
        for method in (route.methods or set()) - {"HEAD"}
    ],
)
def test_every_page_needs_a_session(client: TestClient, path: str, method: str) -> None:
    address = f"/inbox{path.replace('{id}', str(UUID(int=7)))}"
    answer = client.request(method, address, data={"token": "x"}, follow_redirects=False)
    if method == "GET":
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/inbox/sign-in?next=")
    else:
        assert answer.status_code == 401


def test_a_session_ends_when_nobody_uses_it(
    context: Context, clock: FixedClock, jo: Person
) -> None:
    clock.advance(minutes=29)
    jo.get("/")
    clock.advance(minutes=29)
    jo.get("/")
    clock.advance(minutes=31)
    jo.get("/", 303)
    assert rows(context, "select ended_at from member_session") == [(None,)]


def test_a_session_ends_after_its_shift_however_it_is_used(clock: FixedClock, jo: Person) -> None:
    for _ in range(35):
        clock.advance(minutes=20)
        jo.get("/")
    clock.advance(minutes=21)
    jo.get("/", 303)


def test_signing_out_ends_the_session(context: Context, jo: Person) -> None:
    cookie = dict(jo.browser.cookies)
    jo.post("/sign-out")
    jo.browser.cookies.update(cookie)
    jo.get("/", 303)
    assert rows(context, "select count(*) from member_session where ended_at is null") == [(0,)]


def test_a_link_comes_by_mail_works_once_and_leads_on(
    with_mail: MailServer, client: TestClient, jo: Person
) -> None:
    wanted = "/inbox/team"
    form = {"email": "JO.example@example.org", "next": wanted}
    assert client.post("/inbox/sign-in", data=form).status_code == 200
    ((recipients, text),) = eventually(lambda: with_mail.got)
    assert recipients == ["JO.example@example.org"]
    (link,) = LINK.findall(text.replace("=\n", ""))
    browser = TestClient(client.app, base_url="http://127.0.0.1")
    assert "Jo Example" in browser.get(link).text
    answer = browser.post(link, data={"next": wanted}, follow_redirects=False)
    assert answer.headers["location"] == wanted
    assert browser.get("/inbox/team").status_code == 200
    assert browser.post(link, data={"next": ""}).status_code == 410
    assert browser.get(link).status_code == 410


def test_the_answer_is_the_same_for_an_address_that_nobody_has(
    context: Context, with_mail: MailServer, client: TestClient, jo: Person
) -> None:
    shown = {
        client.post("/inbox/sign-in", data={"email": address}).text.replace(address, "…")
        for address in ("jo.example@example.org", "nobody@example.org")
    }
    assert len(shown) == 1
    eventually(lambda: with_mail.got)
    assert [recipients for recipients, _ in with_mail.got] == [["jo.example@example.org"]]


def test_nobodys_mailbox_can_be_filled(
    context: Context, with_mail: MailServer, client: TestClient, jo: Person
) -> None:
    for _ in range(9):
        client.post("/inbox/sign-in", data={"email": "jo.example@example.org"})
    eventually(lambda: len(with_mail.got) >= 5)
    # One link of the hour was used to sign in.
    assert rows(context, "select count(*) from member_link") == [(6,)]


@pytest.mark.parametrize("target", ["https://evil.example.org/", "//evil.example.org", "/ops/"])
def test_a_link_leads_to_our_own_pages_alone(
    context: Context, client: TestClient, jo: Person, target: str
) -> None:
    link = membership.new_link(context.ledger, jo.id, url="", now=context.clock())
    answer = client.post(link, data={"next": target}, follow_redirects=False)
    assert answer.headers["location"] == "/inbox"


def test_a_team_looks_after_itself(
    context: Context, with_mail: MailServer, client: TestClient, jo: Person
) -> None:
    form = {"name": "Sam Example", "email": "sam@example.org", "right-answer": "yes"}
    jo.post("/team", **form)
    assert rows(
        context, "select name, rights, invited_by from member where email = 'sam@example.org'"
    ) == [("Sam Example", ["answer", "read"], f"member:{jo.id}")]
    ((_, text),) = eventually(lambda: with_mail.got)
    (link,) = LINK.findall(text.replace("=\n", ""))
    sam = TestClient(client.app, base_url="http://127.0.0.1")
    assert sam.post(link, data={"next": ""}, follow_redirects=False).status_code == 303
    ((id_,),) = rows(context, "select id from member where email = 'sam@example.org'")
    jo.post(f"/team/{id_}", **{"right-publish": "yes"})
    assert rows(context, "select rights from member where id = %s", id_) == [(["publish", "read"],)]
    jo.post(f"/team/{id_}", do="disable")
    assert sam.get("/inbox/", follow_redirects=False).status_code == 303
    assert rows(context, "select count(*) from member_session where ended_at is null") == [(1,)]


def test_somebody_always_looks_after_an_inbox(context: Context, jo: Person) -> None:
    jo.post(f"/team/{jo.id}", 409, do="disable")
    jo.post(f"/team/{jo.id}", 409, **{"right-answer": "yes"})
    assert rows(context, "select rights, disabled_at from member") == [
        (["administer", "answer", "read"], None)
    ]


def test_nobody_changes_the_people_of_another_organisation(
    context: Context, enter: Callable[..., Person], jo: Person
) -> None:
    kim = enter("shropshire-csc", "Kim Example", "administer", "answer")
    kim.get(f"/team/{jo.id}", 404)
    kim.post(f"/team/{jo.id}", 404, do="disable")
    kim.post("/team/cover", 409, cover=str(jo.id))
    assert rows(context, "select count(*) from member where disabled_at is null") == [(2,)]
    assert rows(context, "select cover from member") == [(None,), (None,)]


def test_a_referral_that_is_kept_back_or_stopped_is_not_there(
    context: Context, world: World, jo: Person
) -> None:
    world.routed(sample(12))
    ((item,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    operator_actions.suspend_agency(
        context, OrganisationCode(OFFICE), by="person:Ops", reason="Test"
    )
    jo.get(f"/items/{item}", 404)
    assert str(item) not in jo.get("/")
    assert "Nothing matches" in jo.post("/", 200, find=str(item)).text
    assert rows(context, "select count(*) from look") == [(0,)]


@pytest.mark.parametrize("hidden", ["suspended", "held", "restored"])
def test_nobody_is_given_what_their_organisation_may_not_see(
    context: Context, world: World, enter: Callable[..., Person], jo: Person, hidden: str
) -> None:
    world.routed(sample(12))
    sam = enter(OFFICE, "Sam Example", "answer")
    ((item,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    if hidden == "suspended":
        office = OrganisationCode(OFFICE)
        operator_actions.suspend_agency(context, office, by="person:Ops", reason="Test")
    elif hidden == "held":
        rows(context, "update delivery set state = 'held' where id = %s returning id", item)
    else:
        rows(
            context,
            "insert into epoch (id, reason, began_at, began_by, last_number, restored_to)"
            " values ('e123456789', 'restored', now() + interval '100 years', 'x', 0, now())"
            " returning place",
        )
    jo.post(f"/items/{item}/hand-over", 404, to=str(sam.id))
    assert rows(context, "select count(*) from handler") == [(0,)]


def _token(person: Person) -> str:
    (token,) = set(re.findall(r'name="token" value="([^"]+)"', person.get("/")))
    return str(token)
