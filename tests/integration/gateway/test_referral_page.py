"""A referral's page says which versions there are, who has taken them, and what they moved."""

import html
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from starlette.testclient import TestClient

from broker.admin import escalation_actions
from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.dashboard.organisation_names import names_of
from broker.domain.codes import Right
from broker.flow.context import Context
from broker.policy.published.policy import documents_from
from broker.shipped import POLICY
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_versions import acknowledge, changed, correct, recall, siblings
from tests.integration.gateway.test_rights import ask, pages, signed_in

__all__ = ["pages"]

SHROPSHIRE = "Shropshire children's social care"
STAFFORDSHIRE = "Staffordshire children's social care"


@pytest.fixture
def page(context: Context, pages: TestClient) -> Callable[[Any], str]:
    def show(receipt: Any) -> str:
        answer = ask(pages, "GET", f"/referrals/{receipt['id']}", signed_in(context, *Right))
        assert answer.status_code == 200
        text = re.sub(r"<[^>]+>", " ", answer.text)
        return " ".join(html.unescape(text).split())

    return show


def test_a_regrade_shows_both_grades_both_deadlines_and_who_has_taken_which(
    world: World,
    page: Any,
) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    (first,) = world.collect("staffordshire-csc")
    acknowledge(world, "staffordshire-csc", first["delivery"])
    assert "Versions, newest first" not in page(status)
    world.at("2027-03-25 11:00")
    correct(world, status, changed(siblings(), level="very_high"))
    shown = page(status)
    assert "Versions, newest first" in shown
    versions = shown.partition("Versions, newest first")[2].partition("Everything that")[0]
    latest, first_one = versions.split("Version 1 ")
    assert "Graded very high. Regraded It was treated as medium before." in latest
    assert "Graded medium." in first_one
    assert re.search(rf"{SHROPSHIRE} must acknowledge by .* 15:00 , was ", latest)
    assert re.search(rf"{STAFFORDSHIRE} Correction Waiting to be collected Not yet", latest)
    assert f"{SHROPSHIRE} Referral Waiting to be collected Not yet" in latest
    assert f"{STAFFORDSHIRE} Referral Taken on today 10:00, A. Worker" in first_one
    timeline = shown.partition("Everything that happened")[2]
    assert "by Staffordshire Police (its key test)" in timeline
    assert "grade from medium to very high" in timeline
    assert re.search(r"to acknowledge by \w+ \d+ March 2027, \d\d:\d\d, was ", timeline)
    assert not re.search(r"[{}\[\]]|None|T\d\d:\d\d", timeline)


def test_a_version_that_came_before_routing_is_the_one_that_was_routed(
    world: World, page: Any
) -> None:
    world.at("2027-03-25 10:00")
    receipt = world.hand_in(siblings())
    world.clock.advance(seconds=1)
    document = changed(siblings(), level="very_high")
    path = f"/v1/referrals/{receipt['id']}/corrections"
    assert world.client.post(path, json=document, headers=world.police).status_code == 202
    world.clock.advance(seconds=1)
    world.drain()
    latest, first = (
        page(world.status(receipt)).partition("Versions, newest first")[2].split("Version 1 ")
    )
    assert "Graded very high." in latest
    assert "Not routed: a newer version or a recall came first" in first


def test_a_history_names_agencies_and_not_ids(
    world: World, context: Context, page: Any, pages: TestClient
) -> None:
    status = world.routed(sample(2))
    (one,) = status["deliveries"]
    world.collect(one["agency"])
    receipt = {"stage": "returned", "by": "A. Worker", "reason": "not_ours"}
    world.answer(one["agency"], delivery=one["id"], **receipt)
    session = signed_in(context, Right.ACT)
    form = {"token": session["token"], "agency": "shropshire-csc"}
    path, headers = f"/ops/act/reroute/{one['id']}", {"Cookie": session["cookie"]}
    assert "Give a reason" in pages.post(path, data=form, headers=headers).text
    form["reason"] = "they moved"
    check = pages.post(path, data=form, headers=headers)
    assert check.status_code == 200
    assert "Shropshire children&#39;s social care" in check.text
    assert "persons posing risk: all" in check.text
    assert "Redirected to another agency" not in page(status)
    (confirmed,) = re.findall(r'name="confirmed" value="([^"]+)"', check.text)
    form["confirmed"] = f"{confirmed} child-99"
    assert pages.post(path, data=form, headers=headers).status_code == 200
    form["confirmed"] = confirmed
    assert pages.post(path, data=form, headers=headers).status_code == 303
    timeline = page(status).partition("Everything that happened")[2]
    names = names_of(context)
    old, new = names.of(one["agency"]), names.of("shropshire-csc")
    assert f"Redirected to another agency – {old} by Jo Example; to: {new} “they moved”" in timeline
    assert f"Being collected – {old} by {old};" in timeline


def test_a_recall_shows_who_has_confirmed_it(world: World, page: Any) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    for agency in ("staffordshire-csc", "shropshire-csc"):
        world.collect(agency)
    recall(world, status)
    shown = page(status)
    assert "by DS Imogen Farlow: it is about the wrong person. 0 of 2 agencies confirmed" in shown
    (offered,) = world.collect("staffordshire-csc")
    receipt = {"stage": "decided", "by": "A. Worker", "outcome": "destroyed"}
    world.answer("staffordshire-csc", delivery=offered["delivery"], **receipt)
    assert "1 of 2 agencies confirmed that every copy is destroyed" in page(status)


def test_why_a_person_acted_stands_beside_what_they_did(
    world: World,
    context: Context,
    page: Any,
    pages: TestClient,
) -> None:
    receipt = world.hand_in(sample(10))
    world.drain()
    session = signed_in(context, Right.ACT)
    path = f"/ops/act/areas/{receipt['id']}"
    headers = {"Cookie": session["cookie"]}
    child = sample(10)["children"][0]["id"]
    form = {"token": session["token"], f"area-{child}": "Stoke-on-Trent"}
    refused = pages.post(path, data=form, headers=headers)
    assert refused.status_code == 422
    assert "Give a reason" in refused.text
    assert 'value="Stoke-on-Trent"' in refused.text  # what was typed is not lost
    because = {**form, "reason": "the school told us"}
    wrong = {**because, f"area-{child}": "Nowhere at all"}
    answer = pages.post(path, data=wrong, headers=headers)
    assert "We know no single area for ‘Nowhere at all’." in answer.text
    assert 'value="Nowhere at all"' in answer.text
    nobody = pages.post(path, data={**because, f"area-{child}": ""}, headers=headers)
    assert "Give the area of at least one person." in nobody.text
    shown = pages.post(path, data=because, headers=headers)
    assert shown.status_code == 200
    assert "Stoke-on-Trent children&#39;s social care" in shown.text
    assert world.status(receipt)["state"] == "unroutable"  # nothing was changed yet
    (confirmed,) = re.findall(r'name="confirmed" value="([^"]*)"', shown.text)
    other = {**because, "confirmed": confirmed, f"area-{child}": "Shropshire"}
    assert pages.post(path, data=other, headers=headers).status_code == 200  # asked again
    back = pages.post(path, data={**because, "change": "yes"}, headers=headers)
    assert 'value="Stoke-on-Trent"' in back.text
    done = pages.post(path, data={**because, "confirmed": confirmed}, headers=headers)
    assert done.status_code == 303
    shown = page(receipt)
    assert "Area added by Jo Example" in shown
    assert "“the school told us”" in shown


def test_ops_route_again_what_is_unroutable(
    world: World, context: Context, page: Any, pages: TestClient
) -> None:
    receipt = world.routed(sample(10))
    ops = world.headers("ops", "ops")
    path = f"/v1/referrals/{receipt['id']}/reroute"
    assert world.client.post(path, headers=world.police).status_code == 403
    answer = world.client.post(path, headers=ops)
    assert (answer.status_code, answer.json()) == (202, {"id": receipt["id"]})
    session = signed_in(context, Right.ACT)
    shown = page(receipt)
    assert "Retry routing" in shown
    assert "no area is known" in shown
    assert (
        "no area is known"
        in pages.get("/ops/attention", headers={"Cookie": session["cookie"]}).text
    )
    form = {"token": session["token"], "reason": "the directory was mended"}
    path_ = f"/ops/act/route/{receipt['id']}"
    done = pages.post(path_, data=form, headers={"Cookie": session["cookie"]})
    assert done.headers["location"] == f"/ops/referrals/{receipt['id']}?done=rerouted"
    shown = page(receipt)
    assert "Routing tried again by Jo Example" in shown
    assert "“the directory was mended”" in shown
    routed = world.routed(sample(12))
    refused = world.client.post(path.replace(receipt["id"], routed["id"]), headers=ops)
    assert refused.status_code == 409
    missing = world.client.post(path.replace(receipt["id"], str(UUID(int=1))), headers=ops)
    assert missing.status_code == 404


CLIMBING = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, step, next_step_at)
select gen_random_uuid(), 'usual', (select version from policy limit 1), 'acknowledge', referral,
       id, agency, acknowledge_by + make_interval(secs => n), acknowledge_by, 1, acknowledge_by
from delivery cross join generate_series(1, %s) n
where referral = %s
returning id
"""


def test_an_escalation_behind_a_thousand_others_is_seen_to(
    world: World, context: Context, page: Any, pages: TestClient, dsn: str
) -> None:
    world.at("2027-03-25 10:00")
    many = world.routed(sample(2))
    world.at("2027-03-25 11:00")
    one = world.routed(sample(2) | {"reference": "OCC/2027/9"})
    with psycopg.connect(dsn) as connection:
        connection.execute(CLIMBING.encode(), [1000, many["id"]])
        (id_,) = connection.execute(CLIMBING.encode(), [1, one["id"]]).fetchone() or ("",)
    assert "I’m dealing with this" in page(one)
    session = signed_in(context, Right.ACT)
    form = {"token": session["token"], "turn": "take", "note": "I rang them"}
    path = f"/ops/escalations/{id_}"
    assert pages.get(path, headers={"Cookie": session["cookie"]}).status_code == 200
    answer = pages.post(path, data=form, headers={"Cookie": session["cookie"]})
    assert answer.headers["location"] == f"/ops/escalations/{id_}?done=taken"
    (escalation,) = context.ledger.alarms.escalations(id=id_, limit=9)
    assert (escalation.state, escalation.acknowledged_by) == ("acknowledged", "person:Jo Example")


STATES = "select acknowledged_by, state from escalation order by acknowledged_by nulls last, id"


def test_undoing_changes_what_the_person_deals_with_and_not_what_others_do(
    world: World, context: Context, pages: TestClient, dsn: str
) -> None:
    """Without anything of one's own, that of the others: somebody must be able to."""
    status = world.routed(sample(2))
    (delivery,) = status["deliveries"]
    with psycopg.connect(dsn) as connection:
        ids = [id_ for (id_,) in connection.execute(CLIMBING.encode(), [2, status["id"]])]
    escalation_actions.take_on(context, ids[:1], by="person:Kim", note="")
    session = signed_in(context, Right.ACT)
    path = f"/agencies/{delivery['agency']}/take-on"

    def states() -> list[tuple[Any, ...]]:
        with psycopg.connect(dsn) as connection:
            return connection.execute(STATES.encode()).fetchall()

    assert ask(pages, "POST", path, session, turn="take").status_code == 303
    both = [("person:Jo Example", "acknowledged"), ("person:Kim", "acknowledged")]
    assert states() == both
    assert ask(pages, "POST", path, session, turn="release").status_code == 303
    assert states() == [both[1], (None, "open")]
    assert ask(pages, "POST", path, session, turn="release").status_code == 303
    assert states() == [(None, "open"), (None, "open")]


def test_the_steps_ahead_are_those_of_the_policy_under_which_an_escalation_began(
    world: World, context: Context, pages: TestClient, dsn: str
) -> None:
    status = world.routed(sample(2))
    with psycopg.connect(dsn) as connection:
        (id_,) = connection.execute(CLIMBING.encode(), [1, status["id"]]).fetchone() or ("",)
        connection.execute("update escalation set ladder = 'ordinary'")
    session = signed_in(context, Right.VIEW)

    def ahead() -> list[list[tuple[str, str]]]:
        shown = ask(pages, "GET", f"/escalations/{id_}", session).text
        entries = re.findall(r'pic-steps__entry--ahead">(.*?)</li>', shown, re.DOTALL)
        return [
            re.findall(r"<text[^>]*>(\d)</text>|__title\">([^<]*)<", entry) for entry in entries
        ]

    before = ahead()
    steps = context.policies.latest().alarms.escalation_policies["ordinary"].steps
    assert [entry[0][0] for entry in before] == [str(place) for place in range(2, len(steps) + 1)]
    assert all(entry[1][1] for entry in before)
    documents = documents_from(POLICY)
    shorter = documents["policy.yaml"].replace("  ordinary:", "  renamed:")
    assert shorter != documents["policy.yaml"]
    published = {**documents, "policy.yaml": shorter}
    publish(context.ledger, published, now=context.clock(), channels=CHANNELS.forms)
    context.policies._fresh_until = 0.0  # what was read a moment ago is read again
    assert "ordinary" not in context.policies.latest().alarms.escalation_policies
    assert ahead() == before


def test_an_agencys_page_lists_its_own_escalations(
    world: World, context: Context, pages: TestClient, dsn: str
) -> None:
    status = world.routed(sample(2))
    (delivery,) = status["deliveries"]
    with psycopg.connect(dsn) as connection:
        connection.execute(CLIMBING.encode(), [1, status["id"]])
    session = signed_in(context, Right.ACT)
    for agency, has in ((delivery["agency"], True), ("shropshire-csc", False)):
        shown = ask(pages, "GET", f"/agencies/{agency}", session).text
        assert ("/ops/escalations/" in shown.partition("Escalations")[2]) == has
        assert ("1 open item:" in shown) == has
