"""Each page and each act needs its right, and the server looks: whatever a page shows or hides."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from broker.admin import sign_in
from broker.admin.directory_changes import DirectoryChanges
from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.dashboard import app
from broker.domain.codes import Right
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.ledger.directory import ChangeContext
from broker.serving import build
from tests.conftest import FixedClock
from tests.directory_rows import entries

ANY = str(uuid4())
NEEDS: dict[tuple[str, str], tuple[Right, str]] = {
    ("GET", "/"): (Right.VIEW, "/"),
    ("GET", "/live"): (Right.VIEW, ""),
    ("GET", "/search"): (Right.VIEW, "/search"),
    ("GET", "/attention"): (Right.VIEW, "/attention"),
    ("GET", "/notices"): (Right.VIEW, "/notices"),
    ("GET", "/areas"): (Right.VIEW, "/areas"),
    ("GET", "/figures"): (Right.VIEW, "/figures"),
    ("GET", "/silent"): (Right.VIEW, "/silent"),
    ("GET", "/flows"): (Right.VIEW, "/flows"),
    ("GET", "/questions"): (Right.VIEW, "/questions"),
    ("GET", "/agencies"): (Right.VIEW, "/agencies"),
    ("GET", "/agencies/{code}"): (Right.VIEW, "/agencies/stoke-csc"),
    ("GET", "/agencies/{code}/take-on"): (Right.ACT, "/agencies/stoke-csc/take-on"),
    ("POST", "/agencies/{code}/take-on"): (Right.ACT, "/agencies/stoke-csc/take-on"),
    ("GET", "/agencies/{code}/change"): (Right.ACT, "/agencies/stoke-csc/change"),
    ("POST", "/agencies/{code}/change"): (Right.ACT, "/agencies/stoke-csc/change"),
    ("GET", "/escalations"): (Right.VIEW, "/escalations"),
    ("GET", "/escalations/{id}"): (Right.VIEW, f"/escalations/{ANY}"),
    ("POST", "/escalations/{id}"): (Right.ACT, f"/escalations/{ANY}"),
    ("GET", "/referrals/{id}"): (Right.VIEW, f"/referrals/{ANY}"),
    ("GET", "/referrals/{id}/told"): (Right.VIEW, f"/referrals/{ANY}/told"),
    ("GET", "/referrals/{id}/told.csv"): (Right.VIEW, f"/referrals/{ANY}/told.csv"),
    ("GET", "/act/reveal/{subject}"): (Right.REVEAL, f"/act/reveal/{ANY}"),
    ("POST", "/act/reveal/{subject}"): (Right.REVEAL, f"/act/reveal/{ANY}"),
    ("GET", "/act/{kind}/{subject}"): (Right.ACT, "/act/pause/stoke-csc"),
    ("POST", "/act/{kind}/{subject}"): (Right.ACT, "/act/pause/stoke-csc"),
    ("GET", "/policy"): (Right.POLICY, "/policy"),
    ("GET", "/replays"): (Right.VIEW, "/replays"),
    ("POST", "/replays"): (Right.BULK, "/replays"),
    ("GET", "/send-on"): (Right.BULK, "/send-on"),
    ("POST", "/send-on"): (Right.BULK, "/send-on"),
    ("GET", "/replays/{id}"): (Right.VIEW, f"/replays/{ANY}"),
    ("POST", "/replays/{id}"): (Right.BULK, f"/replays/{ANY}"),
    ("POST", "/sign-out"): (Right.VIEW, "/sign-out"),
}
OPEN = {"/sign-in", "/signed-out", "/sign-in/{link}", "/static/{name}"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def signed_in(context: Context, *rights: Right) -> dict[str, str]:
    """Return the cookie and the form's token of somebody who has these rights."""
    ledger, now = context.ledger, context.clock()
    sign_in.add(ledger, "Jo Example", rights, now=now, new_id=context.new_id)
    secret = sign_in.sign_in(ledger, sign_in.link(ledger, "Jo Example", now=now), now=now)
    return {"cookie": f"broker-session={secret}", "token": sign_in.form_token(secret)}


@pytest.fixture
def pages(context: Context) -> Iterator[TestClient]:
    options: dict[str, Any] = {"base_url": "http://127.0.0.1", "follow_redirects": False}
    with TestClient(build(context), **options) as opened:
        yield opened


def ask(pages: TestClient, method: str, path: str, session: dict[str, str], **fields: str) -> Any:
    headers = {"Cookie": session["cookie"]}
    if method == "GET":
        return pages.get(f"/ops{path}", headers=headers)
    form = {"token": session["token"], "reason": "because", **fields}
    return pages.post(f"/ops{path}", data=form, headers={**headers, **FORM})


def test_every_page_is_in_the_table() -> None:
    content = {
        (method, route.path)
        for route in app.routes()
        if isinstance(route, Route) and route.path not in OPEN
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert content == NEEDS.keys()


@pytest.mark.parametrize("right", [right for right in Right if right is not Right.VIEW])
def test_whoever_has_every_other_right_is_refused(
    context: Context, pages: TestClient, right: Right
) -> None:
    """To see is part of every right; who has none at all cannot be."""
    needing = [(method, path) for (method, _), (need, path) in NEEDS.items() if need is right]
    others = signed_in(context, *(set(Right) - {right}))
    for method, path in needing:
        assert ask(pages, method, path, others).status_code == 403, path
    mine = signed_in(context, right)
    for method, path in needing:
        assert ask(pages, method, path, mine).status_code != 403, path
        assert ask(pages, method, path, mine).headers.get("location", "") != "/ops/sign-in", path


def test_nobody_sees_anything_without_signing_in(context: Context, pages: TestClient) -> None:
    nobody = {"cookie": "broker-session=guessed", "token": "guessed"}
    for (method, _), (_, path) in NEEDS.items():
        answer = ask(pages, method, path or "/live", nobody)
        assert answer.status_code == (303 if method == "GET" else 401), path
        assert answer.headers.get("location", "/ops/sign-in").startswith("/ops/sign-in")


def test_what_was_typed_in_a_search_is_in_no_other_address(pages: TestClient) -> None:
    for path in ("search?q=Zebedee", "agencies?q=Zebedee&kind=school"):
        answer = pages.get(f"/ops/{path}", follow_redirects=False)
        assert answer.status_code == 303
        assert "Zebedee" not in answer.headers["location"]
    assert "kind%3Dschool" in answer.headers["location"]


def test_what_was_refused_was_not_done(context: Context, pages: TestClient) -> None:
    session = signed_in(context, *(set(Right) - {Right.ACT}))
    assert ask(pages, "POST", "/act/pause/stoke-csc", session).status_code == 403
    assert context.ledger.monitoring.organisation_status()["stoke-csc"].stopped_at is None
    session = signed_in(context, *(set(Right) - {Right.BULK}))
    assert ask(pages, "POST", "/replays", session).status_code == 403
    assert context.ledger.bulk_actions.replays(limit=9) == []


def test_nobody_is_shown_a_page_that_they_cannot_open(context: Context, pages: TestClient) -> None:
    for rights, shown in (((Right.VIEW,), False), ((Right.POLICY,), True)):
        content = ask(pages, "GET", "/", signed_in(context, *rights)).text
        assert ('href="/ops/policy"' in content) == shown


def test_a_right_that_is_taken_away_is_gone_at_once(context: Context, pages: TestClient) -> None:
    session = signed_in(context, Right.POLICY)
    assert ask(pages, "GET", "/policy", session).status_code == 200
    sign_in.add(
        context.ledger, "Jo Example", {Right.VIEW}, now=context.clock(), new_id=context.new_id
    )
    assert ask(pages, "GET", "/policy", session).status_code == 403


def test_the_policy_page_shows_rows_and_what_changed(
    context: Context, clock: FixedClock, pages: TestClient
) -> None:
    name, documents = context.ledger.policies.policy(None) or ("", {})
    changed = documents["policy.yaml"].replace("4 working hours", "3 working hours", 1)
    assert changed != documents["policy.yaml"]
    new = publish(
        context.ledger,
        {**documents, "policy.yaml": changed},
        now=clock.now,
        channels=CHANNELS.forms,
    )
    session = signed_in(context, Right.POLICY)
    content = ask(pages, "GET", "/policy", session).text
    assert new in content
    assert "In force" in content
    for row in context.policies.version(new).routing_rules:
        assert f"row-{row.id}" in content
    assert "acknowledge: 3 working hours" in content
    changes = ask(pages, "GET", "/policy?changes=1", session).text
    assert f"What changed since {name}" in changes
    assert re.search(r"3 working hours", changes.partition('id="changes"')[2].partition("</ul>")[0])
    old = ask(pages, "GET", f"/policy?version={name}", session).text
    assert "Not in force" in old
    assert ask(pages, "GET", "/policy?version=another", session).status_code == 404


def test_the_policy_page_shows_the_version_of_each_change_of_an_organisation(
    context: Context, clock: FixedClock, pages: TestClient
) -> None:
    changes, stoke = (
        DirectoryChanges(context.ledger, context.policies),
        OrganisationCode("stoke-csc"),
    )
    made = [
        changes.put(
            stoke,
            {**entries()[stoke], "name": f"Name {number}"},
            ChangeContext("person:Jo Bloggs", "It has another name.", clock()),
            expected=number,
        ).policy_version
        for number in range(2)
    ]
    session = signed_in(context, Right.POLICY)

    latest, before = (ask(pages, "GET", f"/policy?version={name}", session) for name in made[::-1])

    assert (latest.status_code, before.status_code) == (200, 200)
    assert "Not in force" not in latest.text
    assert "Not in force" in before.text
    for name, page in zip(made[::-1], (latest, before), strict=True):
        assert name in page.text
        assert "Changes of single organisations" in page.text
    assert made[-1] in ask(pages, "GET", "/policy", session).text


def test_whoever_is_signed_in_keeps_their_ways_on_when_something_is_wrong(
    context: Context, pages: TestClient
) -> None:
    session = signed_in(context, Right.VIEW)
    for path, status in (
        ("/nowhere", 404),
        (f"/referrals/{ANY}", 404),
        ("/referrals/no-id", 404),
        ("/act/pause/stoke-csc", 403),
    ):
        answer = ask(pages, "GET", path, session)
        assert answer.status_code == status, path
        assert 'href="/ops/attention"' in answer.text, path
        assert 'role="search"' in answer.text, path
        assert "Jo Example" in answer.text, path
    nobody = {"cookie": "broker-session=guessed", "token": "guessed"}
    assert 'role="search"' not in ask(pages, "GET", "/nowhere", nobody).text
