"""Members sign in with a real OpenID provider on loopback: who was invited, and nobody else."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest

from broker.admin import membership
from broker.admin.membership import Invited
from broker.devstack.engines import Engines
from broker.domain.codes import MemberRight
from broker.domain.ids import OrganisationCode
from broker.errors import Denied
from tests.integration.gateway.test_provider import Site, served, site
from tests.openid import Person

__all__ = ["site"]
OFFICE, OTHER, FORCE = "staffordshire-csc", "stoke-csc", "staffordshire-police"
ADDRESS = "jo.example@example.org"
KNOWN = {"email": ADDRESS, "email_verified": True}


@pytest.fixture(scope="module")
def with_groups(engines: Engines, template: str) -> Iterator[Site]:
    with served(engines, template, {}) as opened:
        yield opened


@pytest.fixture
def inbox(site: Site) -> Site:
    """A broker with one inbox, to which Jo Example is invited, who signs in with the provider."""
    with psycopg.connect(site.dsn) as connection:
        connection.execute("set session_replication_role = replica")  # history may not be emptied
        connection.execute("truncate member, member_sign_in, member_answer cascade")
    site.openid.back = f"{site.url}/inbox/sign-in/answer"
    site.openid.out = f"{site.url}/inbox/signed-out"
    site.openid.claims = KNOWN
    invite(site, OFFICE, "Jo Example", ADDRESS, "answer", "administer")
    use_provider(site, OFFICE)
    return site


def invite(site: Site, organisation: str, name: str, email: str, *rights: str) -> UUID:
    context = site.context
    return membership.invite(
        context,
        OrganisationCode(organisation),
        Invited(name, email, [MemberRight(right) for right in rights]),
        by="test",
    )


def use_provider(site: Site, organisation: str, *, is_on: bool = True) -> None:
    site.context.ledger.members.set_sign_in(
        OrganisationCode(organisation),
        with_provider=is_on,
        by="person:Ops",
        now=site.context.clock(),
    )


def enter(browser: httpx2.Client, after: str = "") -> httpx2.Response:
    return browser.get("/inbox/sign-in/provider", params={"next": after}, follow_redirects=True)


def token_of(page: str) -> str:
    (token,) = set(re.findall(r'name="token" value="([0-9a-f]+)"', page))
    return str(token)


def sessions(site: Site) -> list[tuple[Any, ...]]:
    return site.look(
        "select member.name, session.expires_at - session.began_at from member_session session "
        "join member on member.id = session.member where ended_at is null"
    )


def refused(site: Site, text: str) -> None:
    """Try to sign in; nobody gets in, and nobody new is known."""
    before = site.look("select id, rights, joined_at from member order by id")
    with site.browser() as browser:
        answer = enter(browser)
        assert answer.status_code == 403, answer.text
        assert text in answer.text
        assert browser.get("/inbox/").status_code == 303
    assert sessions(site) == []
    assert site.look("select id, rights, joined_at from member order by id") == before


def test_somebody_who_was_invited_signs_in_and_out_again(inbox: Site) -> None:
    with inbox.browser() as browser:
        assert "Sign in with your organisation" in browser.get("/inbox/sign-in").text
        came = enter(browser, "/inbox/team")
        assert (came.status_code, str(came.url)) == (200, f"{inbox.url}/inbox/team")
        assert "Jo Example (you)" in came.text
        assert sessions(inbox) == [("Jo Example", membership.SESSION_FOR)]
        assert inbox.look("select joined_at is not null from member") == [(True,)]
        out = browser.post("/inbox/sign-out", data={"token": token_of(came.text)})
        assert out.status_code == 200
        assert "/out" in out.headers["refresh"]
        way = out.headers["refresh"].partition("url=")[2]
        assert "You are signed out" in browser.get(way, follow_redirects=True).text
        assert browser.get("/inbox/").status_code == 303
    assert sessions(inbox) == []


def test_a_session_ends_as_one_of_a_link_does(inbox: Site) -> None:
    with inbox.browser() as browser:
        assert enter(browser).status_code == 200
        clock = inbox.openid.clock
        before = clock.now
        clock.now += membership.IDLE + timedelta(seconds=1)
        try:
            assert browser.get("/inbox/").status_code == 303
        finally:
            clock.now = before


def test_the_address_may_be_written_otherwise(inbox: Site) -> None:
    inbox.openid.claims = KNOWN | {"email": "JO.Example@Example.ORG"}
    with inbox.browser() as browser:
        assert enter(browser).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "false"},
        {"email_verified": "true"},
        {"email": None},
        {"email": [ADDRESS]},
        {"email": f"{'x' * 300}@example.org"},
    ],
)
def test_an_address_that_is_not_verified_is_none(inbox: Site, claims: dict[str, Any]) -> None:
    inbox.openid.claims = KNOWN | claims
    refused(inbox, "does not confirm an email address of yours")


@pytest.mark.parametrize(
    "address",
    ["\N{KELVIN SIGN}im@example.org", "K\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}m@example.org"],
)
def test_an_address_of_other_letters_is_another_one(inbox: Site, address: str) -> None:
    invite(inbox, OFFICE, "Kim Example", "kim@example.org", "answer")
    inbox.openid.claims = KNOWN | {"email": address}
    refused(inbox, "nobody has invited your email address")
    assert inbox.context.ledger.members.at_address(address) == []
    assert inbox.context.ledger.members.at_address("KIM@example.org")


@pytest.mark.parametrize(
    "claims", [{"email": "jo\0@example.org"}, {"sub": "person\0"}, {"sub": "person\x1b"}]
)
def test_a_claim_that_nobody_can_read_is_refused(inbox: Site, claims: dict[str, Any]) -> None:
    inbox.openid.claims = KNOWN | claims
    with inbox.browser() as browser:
        answer = enter(browser)
    assert answer.status_code in (403, 502), answer.text
    assert sessions(inbox) == []


def test_whoever_was_not_invited_is_not_created(inbox: Site) -> None:
    inbox.openid.claims = KNOWN | {"email": "lee@example.org"}
    refused(inbox, "nobody has invited your email address")


def test_who_is_disabled_stays_out_at_once(inbox: Site) -> None:
    sam = invite(inbox, OFFICE, "Sam Example", "sam@example.org", "answer")
    inbox.openid.person = Person(sub="person-2", name="Sam Example")
    inbox.openid.claims = {"email": "sam@example.org", "email_verified": True}
    with inbox.browser() as browser:
        assert enter(browser).status_code == 200
        membership.disable(inbox.context, OrganisationCode(OFFICE), sam)
        assert browser.get("/inbox/").status_code == 303
    refused(inbox, "nobody has invited your email address")


def test_an_organisation_that_uses_links_is_not_opened(inbox: Site) -> None:
    use_provider(inbox, OFFICE, is_on=False)
    refused(inbox, "signs in with links by email")


def test_no_link_works_where_the_provider_is_used(inbox: Site) -> None:
    (jo,) = inbox.context.ledger.members.members(OrganisationCode(OFFICE))
    now = inbox.context.clock()
    link = membership.new_link(inbox.context.ledger, jo.id, url="", now=now)
    with inbox.browser() as browser:
        assert browser.get(link).status_code == 410
        assert browser.post(link, data={"next": "/inbox"}).status_code == 410
    with pytest.raises(Denied):
        membership.sign_in(inbox.context, link.rpartition("/")[2])
    assert sessions(inbox) == []


def test_a_link_that_was_sent_before_stays_useless_when_links_come_back(inbox: Site) -> None:
    (jo,) = inbox.context.ledger.members.members(OrganisationCode(OFFICE))
    use_provider(inbox, OFFICE, is_on=False)
    now, ledger = inbox.context.clock(), inbox.context.ledger
    leaked = membership.new_link(ledger, jo.id, url="", now=now, lasts=membership.INVITATION_FOR)
    use_provider(inbox, OFFICE)
    use_provider(inbox, OFFICE, is_on=False)
    with inbox.browser() as browser:
        assert browser.post(leaked, data={"next": "/inbox"}).status_code == 410
        fresh = membership.new_link(ledger, jo.id, url="", now=now)
        assert browser.post(fresh, data={"next": "/inbox"}).status_code == 303
    assert len(sessions(inbox)) == 1


def test_another_account_with_the_address_is_refused_until_invited_again(inbox: Site) -> None:
    with inbox.browser() as browser:
        assert enter(browser).status_code == 200
    inbox.look("update member_session set ended_at = expires_at returning 1")
    inbox.openid.person = Person(sub="person-2", name="Another Example")
    refused(inbox, "another account uses your email address here")
    invite(inbox, OFFICE, "Jo Example", ADDRESS, "answer", "administer")
    with inbox.browser() as browser:
        assert enter(browser).status_code == 200
    assert inbox.look("select subject from member_account") == [(f"{inbox.openid.url} person-2",)]


def test_an_answer_begins_one_session(inbox: Site) -> None:
    inbox.openid.careless = True
    with inbox.browser() as browser:
        requested = browser.get("/inbox/sign-in/provider")
        answer = browser.get(requested.headers["location"]).headers["location"]
        cookies = dict(browser.cookies)
        assert browser.get(answer).status_code == 303
        browser.cookies.update(cookies)
        assert browser.get(answer).status_code == 403
    assert len(sessions(inbox)) == 1


def test_a_member_of_two_organisations_chooses(inbox: Site) -> None:
    invite(inbox, OTHER, "Jo Example", ADDRESS, "answer")
    use_provider(inbox, OTHER)
    (other,) = inbox.context.ledger.members.members(OrganisationCode(OTHER))
    with inbox.browser() as browser:
        page = enter(browser)
        assert (page.status_code, "Choose an inbox" in page.text) == (200, True)
        assert sessions(inbox) == []
        wrong = browser.post("/inbox/sign-in/inbox", data={"member": str(UUID(int=1))})
        assert wrong.status_code == 422
        form = {"member": str(other.id)}
        came = browser.post("/inbox/sign-in/inbox", data=form, follow_redirects=True)
        assert came.status_code == 200
        assert "Stoke-on-Trent" in came.text
        again = browser.post("/inbox/sign-in/inbox", data=form)
        assert again.status_code == 400
    assert len(sessions(inbox)) == 1


def test_a_member_of_many_organisations_chooses(inbox: Site) -> None:
    names = inbox.context.policies.latest().directory.names
    for organisation in set(names) - {OFFICE}:
        invite(inbox, organisation, "Jo Example", ADDRESS, "answer", "administer")
        use_provider(inbox, organisation)
    with inbox.browser() as browser:
        page = enter(browser)
        assert (page.status_code, page.text.count('type="radio"')) == (200, len(names))
        assert max(len(cookie.value or "") for cookie in browser.cookies.jar) < 1000


def test_who_is_disabled_meanwhile_chooses_no_longer(inbox: Site) -> None:
    jo = invite(inbox, OTHER, "Jo Example", ADDRESS, "answer")
    invite(inbox, OTHER, "Sam Example", "sam@example.org", "answer", "administer")
    use_provider(inbox, OTHER)
    with inbox.browser() as browser:
        assert "Choose an inbox" in enter(browser).text
        membership.disable(inbox.context, OrganisationCode(OTHER), jo)
        answer = browser.post("/inbox/sign-in/inbox", data={"member": str(jo)})
        assert answer.status_code == 422
        assert str(jo) not in answer.text
    assert sessions(inbox) == []


def test_nobody_chooses_without_an_answer_of_the_provider(inbox: Site) -> None:
    (jo,) = inbox.context.ledger.members.members(OrganisationCode(OFFICE))
    with inbox.browser() as browser:
        assert browser.get("/inbox/sign-in/inbox").status_code == 400
        answer = browser.post("/inbox/sign-in/inbox", data={"member": str(jo.id)})
        assert answer.status_code == 400
    assert sessions(inbox) == []


def test_the_form_of_a_force_is_opened_by_the_same_sign_in(inbox: Site) -> None:
    invite(inbox, FORCE, "Sam Example", "sam@example.org", "publish", "administer")
    use_provider(inbox, FORCE)
    inbox.openid.person = Person(sub="person-2", name="Sam Example")
    inbox.openid.claims = {"email": "sam@example.org", "email_verified": True}
    with inbox.browser() as browser:
        assert enter(browser).status_code == 200
        assert browser.get("/inbox/referrals/", follow_redirects=True).status_code == 200


USERINFO: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "both come from userinfo": ({"email": None, "email_verified": None}, KNOWN, 200),
    "an address alone in the id token is not verified by another": (
        {"email_verified": None},
        {"email": "lee@example.org", "email_verified": True},
        403,
    ),
    "verified alone in the id token verifies no other address": (
        {"email": None},
        {"email": ADDRESS, "email_verified": False},
        403,
    ),
    "the id token stands": ({}, {"email": "lee@example.org", "email_verified": True}, 200),
    "not verified there either": (
        {"email": None, "email_verified": None},
        {"email": ADDRESS, "email_verified": False},
        403,
    ),
    "another subject": (
        {"email": None, "email_verified": None},
        KNOWN | {"sub": "person-9"},
        502,
    ),
}


@pytest.mark.parametrize("case", USERINFO)
def test_claims_of_userinfo_count_where_the_id_token_lacks_them(inbox: Site, case: str) -> None:
    changes, userinfo, status = USERINFO[case]
    inbox.openid.claims, inbox.openid.userinfo = KNOWN | changes, userinfo
    with inbox.browser() as browser:
        assert enter(browser).status_code == status
    assert len(sessions(inbox)) == (1 if status == 200 else 0)
    was_asked = "/userinfo" in [path for path, _ in inbox.openid.asked]
    assert was_asked is (case != "the id token stands")


def test_an_administrator_sets_how_everybody_signs_in(inbox: Site) -> None:
    with inbox.browser() as browser:
        page = enter(browser, "/inbox/team").text
        assert "How everybody signs in" in page
        form = {"token": token_of(page), "way": "links"}
        done = browser.post("/inbox/team/sign-in", data=form, follow_redirects=True)
        assert "with a link that we send by email" in done.text
        assert not inbox.context.ledger.members.sign_in_of(OrganisationCode(OFFICE))
        done = browser.post(
            "/inbox/team/sign-in", data=form | {"way": "provider"}, follow_redirects=True
        )
        assert "their account of your organisation" in done.text
        assert browser.post("/inbox/team/sign-in", data=form | {"way": "none"}).status_code == 404
    (jo,) = inbox.context.ledger.members.members(OrganisationCode(OFFICE))
    assert inbox.look(
        "select actor, agency, data from event where kind = 'organisation.sign_in_set'"
        " and actor <> 'person:Ops' order by id"
    ) == [
        (f"member:{jo.id}", OFFICE, {"with_provider": False}),
        (f"member:{jo.id}", OFFICE, {"with_provider": True}),
    ]


def test_others_do_not_set_it(inbox: Site) -> None:
    invite(inbox, OFFICE, "Sam Example", "sam@example.org", "answer")
    inbox.openid.person = Person(sub="person-2", name="Sam Example")
    inbox.openid.claims = {"email": "sam@example.org", "email_verified": True}
    with inbox.browser() as browser:
        page = enter(browser, "/inbox/team").text
        assert "How everybody signs in" not in page
        form = {"token": token_of(page), "way": "links"}
        assert browser.post("/inbox/team/sign-in", data=form).status_code == 403
    assert inbox.context.ledger.members.sign_in_of(OrganisationCode(OFFICE))
