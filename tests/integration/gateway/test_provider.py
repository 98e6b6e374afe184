"""People sign in with a real OpenID provider on loopback: what is believed, and what is not."""

import logging
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import psycopg
import pytest
from joserfc.jwk import RSAKey
from starlette.responses import JSONResponse, PlainTextResponse, Response

from broker.admin import sign_in as sessions
from broker.bootstrap import open_broker
from broker.devstack.engines import Engines, as_application
from broker.domain.codes import Right
from broker.flow.context import Context
from broker.settings import OpenIdProvider, Settings
from broker.web import openid_client
from broker.web import openid_provider as client
from tests.conftest import FixedClock, in_a_loop
from tests.integration.gateway.conftest import listening
from tests.openid import CLIENT, SECRET, OpenId, Person, provider, shared_secret, slowly

RIGHTS = {"ops": frozenset({Right.ACT}), "leads": frozenset({Right.BULK, Right.POLICY})}


@dataclass
class Site:
    """A broker whose people sign in with a provider."""

    url: str
    context: Context
    openid: OpenId
    dsn: str

    def browser(self, **options: Any) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def sessions(self) -> int:
        return int(self.look("select count(*) from session where ended_at is null")[0][0])

    def look(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement.encode(), values).fetchall()


@contextmanager
def served(engines: Engines, template: str, rights: dict[str, frozenset[Right]]) -> Iterator[Site]:
    """Serve a broker and its provider."""
    name = f"provider_{time.monotonic_ns()}"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}".encode())
    dsn = engines.database_url.replace("/postgres?", f"/{name}?")
    clock = FixedClock(datetime(2027, 4, 7, 9, 0, tzinfo=UTC))
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with provider(clock) as openid:
        openid.back, openid.out = f"{url}/ops/sign-in/answer", f"{url}/ops/signed-out"
        at = OpenIdProvider(openid.url, CLIENT, SECRET, rights=rights)
        settings = Settings(as_application(dsn), engines.wakeup_url, engines.exchange_url)
        settings = replace(settings, public_url=url, provider=at)
        with (
            open_broker(settings, process="tests", clock=clock) as context,
            listening(context, listener),
        ):
            yield Site(url, context, openid, dsn)


@pytest.fixture(scope="module")
def with_groups(engines: Engines, template: str) -> Iterator[Site]:
    with served(engines, template, RIGHTS) as opened:
        yield opened


@pytest.fixture
def site(with_groups: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A broker that knows nobody, and asks its provider anew; which says the truth."""
    monkeypatch.setattr(client, "METADATA_SECONDS", 0)
    with psycopg.connect(with_groups.dsn) as connection:
        connection.execute("truncate person cascade")
    openid = with_groups.openid
    fresh = OpenId(openid.url, openid.clock, openid.back, openid.out)
    for field in fields(OpenId):
        setattr(openid, field.name, getattr(fresh, field.name))
    return with_groups


def sign_in(site: Site, browser: httpx2.Client, after: str = "") -> httpx2.Response:
    return browser.get("/ops/sign-in/provider", params={"next": after}, follow_redirects=True)


def the_answer(site: Site, browser: httpx2.Client) -> str:
    """Go as far as the provider's answer, and return its address without opening it."""
    requested = browser.get("/ops/sign-in/provider")
    return browser.get(requested.headers["location"]).headers["location"]


def assert_nobody(site: Site, response: httpx2.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert site.sessions() == 0
    assert "session" not in "".join(response.headers.get_list("set-cookie"))
    for secret in (*site.openid.given, SECRET):
        assert secret not in response.text


def test_somebody_signs_in_with_their_rights_and_out_again(site: Site) -> None:
    with site.browser() as browser:
        assert "Sign in with your organisation" in browser.get("/ops/sign-in").text
        came = sign_in(site, browser, "/ops/attention")
        assert came.status_code == 200
        assert str(came.url) == f"{site.url}/ops/attention"
        assert "Jo Example" in came.text
        (person,) = site.context.ledger.people.people()
        assert (person.name, person.rights) == ("Jo Example", {Right.VIEW, Right.ACT})
        token = re.search(r'name="token" value="([0-9a-f]+)"', came.text)
        assert token is not None
        out = browser.post("/ops/sign-out", data={"token": token.group(1)})
        assert out.status_code == 200
        assert site.sessions() == 0
        way = out.headers["refresh"].partition("url=")[2]
        assert urlsplit(way).path == "/out"
        assert not {"id_token_hint", "logout_hint"} & parse_qs(urlsplit(way).query).keys()
        ended = browser.get(way, follow_redirects=True)
        assert str(ended.url).startswith(f"{site.url}/ops/signed-out")
        assert "You are signed out" in ended.text
        assert browser.get("/ops/").status_code == 303


def test_the_cookie_holds_what_it_must_and_is_kept_from_scripts(site: Site) -> None:
    with site.browser() as browser:
        requested = browser.get("/ops/sign-in/provider")
        (cookie,) = requested.headers.get_list("set-cookie")
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "Max-Age=600" in cookie
        there = parse_qs(urlsplit(requested.headers["location"]).query)
        assert there["code_challenge_method"] == ["S256"]
        assert SECRET not in requested.headers["location"]


def test_over_tls_the_cookie_is_bound_to_it(site: Site) -> None:
    at = OpenIdProvider(site.openid.url, CLIENT, SECRET)
    entrance, url = client.Entrance("/ops", "broker-sign-in"), "https://ops.example.org"
    provider = client.Provider(at, entrance, public_url=url, clock=site.context.clock)
    options = provider.middleware().kwargs
    assert options["session_cookie"] == "__Host-broker-sign-in"
    assert options["https_only"] is True


def test_rights_are_taken_anew_at_every_sign_in(site: Site) -> None:
    with site.browser() as browser:
        sign_in(site, browser)
        site.openid.person = Person(groups=["leads", "others"])
        sign_in(site, browser)
        (person,) = site.context.ledger.people.people()
        assert person.rights == {Right.VIEW, Right.BULK, Right.POLICY}
        assert site.sessions() == 2
        site.openid.person = Person(groups=["others"])
        reply = sign_in(site, browser)
        assert reply.status_code == 403
        assert "none of your groups there has permissions here" in reply.text
        assert site.sessions() == 0


@pytest.mark.parametrize(
    "groups", [None, [], ["others"], "ops-but-not-quite", [7, {"ops": 1}], {"ops": 1}, 7]
)
def test_whoever_has_no_mapped_right_gets_in_nowhere(site: Site, groups: Any) -> None:
    site.openid.claims = {"groups": groups}
    with site.browser() as browser:
        reply = sign_in(site, browser)
        assert_nobody(site, reply, 403)
        assert "Jo Example" in reply.text
        assert browser.get("/ops/").status_code == 303
    assert site.context.ledger.people.people() == []


def test_groups_come_from_userinfo_where_the_id_token_has_none(site: Site) -> None:
    site.openid.claims, site.openid.userinfo = {"groups": None}, {"groups": ["leads"]}
    with site.browser() as browser:
        assert sign_in(site, browser).status_code == 200
    (person,) = site.context.ledger.people.people()
    assert person.rights == {Right.VIEW, Right.BULK, Right.POLICY}


def test_groups_of_the_id_token_stand(site: Site) -> None:
    site.openid.userinfo = {"groups": ["leads"]}
    with site.browser() as browser:
        assert sign_in(site, browser).status_code == 200
    (person,) = site.context.ledger.people.people()
    assert person.rights == {Right.VIEW, Right.ACT}
    assert "/userinfo" not in [path for path, _ in site.openid.asked]


@pytest.mark.parametrize("said", [{"sub": "person-2"}, {"sub": None}])
def test_userinfo_about_somebody_else_signs_nobody_in(site: Site, said: dict[str, Any]) -> None:
    site.openid.claims = {"groups": None}
    site.openid.userinfo = {"groups": ["leads"], **said}
    with site.browser() as browser:
        assert_nobody(site, sign_in(site, browser), 502)


def test_userinfo_that_answers_nothing_signs_nobody_in(site: Site) -> None:
    site.openid.claims, site.openid.userinfo = {"groups": None}, {}
    site.openid.instead = {"/userinfo": lambda: PlainTextResponse("no", 500)}
    with site.browser() as browser:
        assert_nobody(site, sign_in(site, browser), 503)


def test_one_group_may_come_as_a_word(site: Site) -> None:
    site.openid.claims = {"groups": "ops"}
    with site.browser() as browser:
        assert sign_in(site, browser).status_code == 200


def test_a_name_that_is_somebody_elses_gets_a_mark(site: Site) -> None:
    now, new_id = site.context.clock(), site.context.new_id
    sessions.add(site.context.ledger, "Jo Example", list(Right), now=now, new_id=new_id)
    with site.browser() as browser:
        assert sign_in(site, browser).status_code == 200
    named = {person.name: person.rights for person in site.context.ledger.people.people()}
    assert named.pop("Jo Example") == set(Right)
    ((name, rights),) = named.items()
    assert re.fullmatch(r"Jo Example \([0-9a-f]{8}\)", name)
    assert rights == {Right.VIEW, Right.ACT}


def test_who_is_disabled_stays_out(site: Site) -> None:
    with site.browser() as browser:
        sign_in(site, browser)
        assert site.context.ledger.people.disable_person("Jo Example", now=site.context.clock())
        assert_nobody(site, sign_in(site, browser), 403)


def test_without_groups_subjects_are_let_in_by_name(engines: Engines, template: str) -> None:
    with served(engines, template, {}) as site, site.browser() as browser:
        assert_nobody(site, sign_in(site, browser), 403)
        sessions.add(
            site.context.ledger,
            "Sam Example",
            {Right.REVEAL},
            now=site.context.clock(),
            new_id=site.context.new_id,
            subject=sessions.subject_key(site.openid.url, "person-1"),
        )
        assert "Sam Example" in sign_in(site, browser).text
        site.openid.person = Person(sub="person-2")
        assert sign_in(site, browser).status_code == 403


LIES: dict[str, dict[str, Any]] = {
    "wrong nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "wrong audience": {"claims": {"aud": "another-client"}},
    "wrong audience, ours as authorised party": {"claims": {"aud": "another", "azp": CLIENT}},
    "two audiences without a party": {"claims": {"aud": [CLIENT, "another"]}},
    "another party": {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
    "no audience": {"claims": {"aud": None}},
    "wrong issuer": {"claims": {"iss": "https://elsewhere.example.org"}},
    "no issuer": {"claims": {"iss": None}},
    "no subject": {"claims": {"sub": None}},
    "a subject that is no text": {"claims": {"sub": ["person-1"]}},
    "an empty subject": {"claims": {"sub": ""}},
    "no end": {"claims": {"exp": None}},
    "an end that is no number": {"claims": {"exp": "tomorrow"}},
    "no signature": {"header": {"alg": "none"}},
    "no signature, and it says so": {
        "header": {"alg": "none"},
        "description": {"id_token_signing_alg_values_supported": ["none"]},
    },
    "signed with the shared secret": {
        "header": {"alg": "HS256", "kid": "one"},
        "key": shared_secret(),
        "description": {"id_token_signing_alg_values_supported": ["HS256", "RS256"]},
    },
    "signed with another key": {"key": RSAKey.generate_key(2048, {"kid": "one"})},
    "signed with an unknown key": {
        "key": RSAKey.generate_key(2048, {"kid": "two"}),
        "header": {"alg": "RS256", "kid": "two"},
    },
    "the answer is another provider's": {"answers": {"iss": "https://elsewhere.example.org"}},
    "another issuer about itself": {"description": {"issuer": "https://elsewhere.example.org"}},
    "no keys": {"description": {"jwks_uri": None}},
    "keys over nothing": {"description": {"jwks_uri": "file:///etc/hostname"}},
    "a line break in an address": {
        "description": {"end_session_endpoint": "http://127.0.0.1/out\r\nSet-Cookie: a=b"}
    },
    "a token endpoint elsewhere, in clear": {
        "description": {"token_endpoint": "http://elsewhere.example.org/token"}
    },
    "no code": {"answers": {"code": None}},
    "another code": {"answers": {"code": "guessed"}},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_cannot_be_believed_signs_nobody_in(site: Site, lie: str) -> None:
    for name, value in LIES[lie].items():
        setattr(site.openid, name, value)
    with site.browser() as browser:
        reply = sign_in(site, browser)
    assert_nobody(site, reply, 502)
    assert "refused" in reply.text


def test_an_expired_token_is_refused_and_a_clock_may_differ_by_a_minute(site: Site) -> None:
    now = int(site.context.clock().timestamp())
    with site.browser() as browser:
        site.openid.claims = {"iat": now - 700, "exp": now - client.LEEWAY_SECONDS - 1}
        assert_nobody(site, sign_in(site, browser), 502)
        site.openid.claims = {"nbf": now + client.LEEWAY_SECONDS + 1}
        assert_nobody(site, sign_in(site, browser), 502)
        site.openid.claims = {"iat": now - 700, "exp": now - client.LEEWAY_SECONDS + 5}
        assert sign_in(site, browser).status_code == 200


WRONG_STATES = {
    "wrong state": {"state": "guessed"},
    "no state": {"state": None},
}


@pytest.mark.parametrize("wrong", WRONG_STATES)
def test_an_answer_to_another_question_is_refused(site: Site, wrong: str) -> None:
    site.openid.answers = WRONG_STATES[wrong]
    with site.browser() as browser:
        assert_nobody(site, sign_in(site, browser), 400)
    assert "/token" not in [path for path, _ in site.openid.asked]


def test_an_answer_opened_in_another_browser_is_refused(site: Site) -> None:
    with site.browser() as mine, site.browser() as theirs:
        answer = the_answer(site, theirs)
        assert_nobody(site, mine.get(answer), 400)
        mine.get("/ops/sign-in/provider")
        assert_nobody(site, mine.get(answer), 400)


@pytest.mark.parametrize(("careless", "status"), [(False, 502), (True, 403)])
def test_an_answer_is_good_once(site: Site, careless: bool, status: int) -> None:
    """Also where the browser kept its cookie, and the provider takes the same code again."""
    site.openid.careless = careless
    with site.browser() as browser:
        answer = the_answer(site, browser)
        remembered = dict(browser.cookies)
        assert browser.get(answer).status_code == 303
        assert browser.get(answer).status_code == 400
        with site.browser(cookies=remembered) as again:
            reply = again.get(answer)
            assert reply.status_code == status
            assert ("used before" in reply.text) == careless
    assert site.sessions() == 1


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example.org/",
        "//elsewhere.example.org/",
        "/\\elsewhere.example.org",
        "/ops//elsewhere.example.org",
        "/opsy",
        "/ops/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_led_elsewhere_afterwards(site: Site, elsewhere: str) -> None:
    with site.browser() as browser:
        shown = browser.get("/ops/sign-in", params={"next": elsewhere})
        assert "elsewhere" not in shown.text
        answer = browser.get("/ops/sign-in/provider", params={"next": elsewhere})
        came = browser.get(answer.headers["location"])
        last = browser.get(came.headers["location"])
        assert last.status_code == 303
        assert last.headers["location"] == "/ops"


def test_a_provider_that_refuses_is_told_in_words(site: Site) -> None:
    answers = {
        "access_denied": (403, "did not let you in"),
        "temporarily_unavailable": (503, "is not available"),
        "invalid_scope": (502, "reported an error"),
    }
    with site.browser() as browser:
        for error, (status, phrase) in answers.items():
            reply = {"error": error, "error_description": "<b>MARKED</b>", "code": None}
            site.openid.answers = reply
            response = sign_in(site, browser)
            assert_nobody(site, response, status)
            assert phrase in response.text
            assert "MARKED" not in response.text


def _broken(where: str) -> dict[str, Any]:
    return {
        "500": lambda: PlainTextResponse("MARKED", 500),
        "not JSON": lambda: PlainTextResponse("MARKED"),
        "a list": lambda: JSONResponse(["MARKED"]),
        "too long": lambda: Response(b" " * (openid_client.LARGEST_BODY + 1) + b"{}"),
        "a redirect": lambda: Response(
            status_code=302, headers={"Location": "http://127.0.0.1:1/MARKED"}
        ),
    }


@pytest.mark.parametrize("where", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_broken_provider_signs_nobody_in_and_is_asked_again(site: Site, where: str) -> None:
    with site.browser() as browser:
        for how, answer in _broken(where).items():
            site.openid.instead = {where: answer}
            reply = sign_in(site, browser)
            assert reply.status_code in (502, 503), how
            assert_nobody(site, reply, reply.status_code)
            assert "MARKED" not in reply.text
        site.openid.instead = {}
        assert sign_in(site, browser).status_code == 200


def test_a_provider_that_is_away_or_slow_is_told_of_in_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid_client, "SECONDS", 0.5)
    with site.browser() as browser:
        site.openid.instead = {"/token": slowly(2)}
        reply = sign_in(site, browser)
        assert_nobody(site, reply, 503)
        assert "does not answer" in reply.text
    at = OpenIdProvider("http://127.0.0.1:1", CLIENT, SECRET)
    entrance = client.Entrance("/ops", "broker-sign-in")
    away = client.Provider(at, entrance, public_url=site.url, clock=site.context.clock)
    assert in_a_loop(away.way_out()) is None


def test_what_it_says_about_itself_sets_nothing_else(site: Site) -> None:
    """authlib takes what a client may be set to from the description: it must not get there."""
    site.openid.description = {
        "verify": False,
        "proxy": "http://127.0.0.1:1",
        "transport": None,
        "follow_redirects": True,
        "client_secret": "another",
        "headers": {"X": "y"},
    }
    with site.browser() as browser:
        assert sign_in(site, browser).status_code == 200


def test_what_it_says_and_its_keys_are_believed_until_another_is_used(
    engines: Engines, template: str
) -> None:
    with served(engines, template, RIGHTS) as site, site.browser() as browser:
        assert sign_in(site, browser).status_code == 200
        new = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
        site.openid.key = site.openid.published = new
        site.openid.header = {"alg": "RS256", "kid": "two"}
        assert sign_in(site, browser).status_code == 200
        requested = [path for path, _ in site.openid.asked]
        assert requested.count("/keys") == 2
        assert requested.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize("remembered", [True, False])
def test_signing_out_works_whatever_the_provider_does(site: Site, remembered: bool) -> None:
    with site.browser() as browser:
        came = sign_in(site, browser)
        token = re.search(r'name="token" value="([0-9a-f]+)"', came.text)
        assert token is not None
        if remembered:
            site.openid.description = {"end_session_endpoint": None}
        else:
            site.openid.instead = {"/.well-known/openid-configuration": lambda: JSONResponse([])}
        out = browser.post("/ops/sign-out", data={"token": token.group(1)})
        assert out.status_code == 200
        assert "You may still be signed in at your sign-in provider" in out.text
        assert "refresh" not in out.headers
        assert site.sessions() == 0


def test_whoever_came_by_a_link_is_not_sent_to_the_provider(site: Site) -> None:
    ledger, now = site.context.ledger, site.context.clock()
    sessions.add(ledger, "Lee Example", {Right.VIEW}, now=now, new_id=site.context.new_id)
    link = sessions.link(ledger, "Lee Example", now=now)
    with site.browser() as browser:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        came = browser.post(f"/ops/sign-in/{link}", headers=form, follow_redirects=True)
        token = re.search(r'name="token" value="([0-9a-f]+)"', came.text)
        assert token is not None
        out = browser.post("/ops/sign-out", data={"token": token.group(1)})
        assert out.headers["location"] == "/ops/sign-in?signed-out"


def test_nothing_secret_is_logged(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], log_from: Any
) -> None:
    log_from("debug")
    caplog.set_level(logging.DEBUG)
    with site.browser() as browser:
        assert sign_in(site, browser).status_code == 200
        site.openid.claims = {"nonce": "another"}
        assert sign_in(site, browser).status_code == 502
    ours = [
        record for record in caplog.records if not record.name.startswith(("httpcore", "httpx"))
    ]
    reply = "\n".join(our.getMessage() for our in ours) + "".join(capfd.readouterr())
    assert "provider wrong" in reply
    assert len(site.openid.given) == 6
    for secret in (SECRET, "Jo Example", "person-1", *site.openid.given):
        assert secret not in reply


def test_without_a_provider_there_is_neither_button_nor_page(client: Any) -> None:
    assert "organisation" not in client.get("/ops/sign-in").text
    # What would be the provider's pages are links like any other, and not good.
    assert client.get("/ops/sign-in/provider").status_code == 410
