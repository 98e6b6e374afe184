"""Redirects to whom the referral forbids, and to whom it does not, through every door."""

from typing import Any

import psycopg
import pytest
from referral_broker_client.errors import Conflict
from referral_broker_client.ops import Ops

from broker.admin import operator_actions
from broker.flow import bulk
from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases import leg
from tests.acceptance.test_cases_acts import reason, recall, redirect, returned, with_embargo
from tests.acceptance.test_versions import correct, send
from tests.integration.gateway.conftest import listening
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

FIRST, SECOND = "school-900001", "school-900002"


@pytest.fixture
def ops(world: World) -> dict[str, str]:
    world.at("2026-12-22 10:00")
    return world.headers("ops", "ops")


def told_not_to(entry: str) -> dict[str, Any]:
    document = sample(5)
    document["handling"] = {**document["handling"], "do_not_disclose_to": [entry]}
    return document


def employed(**role: str) -> dict[str, Any]:
    document = sample(5)
    document["persons_posing_risk"][0]["roles"].append({"kind": "volunteering", **role})
    return document


def to_second(world: World, ops: dict[str, str], newest: dict[str, Any]) -> Any:
    """Have the first school return its part, bring in a version, and redirect to the second."""
    delivery = returned(world, sample(5), FIRST)
    assert send(world, {"id": delivery["referral"]}, newest).status_code == 202
    return redirect(world, ops, delivery, agency=SECOND)


@pytest.mark.parametrize(
    "entry",
    [
        *("school", "Schools", "all schools", "the college", "Head teacher", "her school"),
        *("SCHOOL-900002", "900002", "URN 900002", "urn: 900002"),
        *("Orchard Drift Primary", "the orchard-drift PRIMARY", "Órchard  Drift Primary"),
        *("Orchard Drift Primary School", "Orchard Drift Primary, Shropshire (sample)"),
    ],
)
def test_24_a_redirect_obeys_what_routing_obeys(
    world: World, ops: dict[str, str], entry: str
) -> None:
    assert reason(to_second(world, ops, told_not_to(entry))) == "not-disclosed"
    assert world.collect(SECOND) == []


@pytest.mark.parametrize("entry", ["school-900001", "Orchard", "the step-father", "LADO"])
def test_24_who_is_not_meant_is_told(world: World, ops: dict[str, str], entry: str) -> None:
    assert to_second(world, ops, told_not_to(entry)).status_code == 200
    assert len(world.collect(SECOND)) == 1


@pytest.mark.parametrize(
    "role",
    [
        {"organisation": "Orchard Drift Primary School"},
        {"organisation": "ORCHARD DRIFT PRIMARY, Telford"},
        {"organisation": "Elsewhere", "urn": "900002"},
        {"organisation_code": "School-900002"},
    ],
)
def test_25_nothing_is_redirected_to_where_a_suspect_is(
    world: World, ops: dict[str, str], role: dict[str, str]
) -> None:
    assert reason(to_second(world, ops, employed(**role))) == "suspect-at-recipient"
    assert world.collect(SECOND) == []


@pytest.mark.parametrize("entry", ["Orchad Drift Primary", "Nobody at all"])
def test_24_what_may_mean_a_school_is_asked_before_it_is_redirected(
    world: World, ops: dict[str, str], entry: str
) -> None:
    assert reason(to_second(world, ops, told_not_to(entry))) == "do-not-disclose-in-doubt"
    assert world.collect(SECOND) == []


@pytest.mark.parametrize(
    "role",
    [
        {"organisation": "Orchad Drift Primary"},
        {"organisation": "the school"},
        {"title": "Caretaker at Orchad Drift Primary", "organisation": "An agency"},
    ],
)
def test_25_nothing_is_redirected_to_where_a_suspect_may_be(
    world: World, ops: dict[str, str], role: dict[str, str]
) -> None:
    """Routing would hold it for a person; the preview, which a person sees first, says why."""
    delivery = returned(world, sample(5), FIRST)
    assert send(world, {"id": delivery["referral"]}, employed(**role)).status_code == 202
    for door in ("reroute/preview", "reroute"):
        path = f"/v1/deliveries/{delivery['delivery']}/{door}"
        refused = world.client.post(path, json={"agency": SECOND}, headers=ops)
        assert reason(refused) == "suspect-at-recipient"
        assert "may work or volunteer" in refused.json()["errors"][0]["message"]
    assert world.collect(SECOND) == []


def test_24_what_is_urgent_goes_despite_a_doubt(world: World, ops: dict[str, str]) -> None:
    """As routing has it: a wish in doubt holds nothing at the grade immediate."""
    grade = {"grade": {**sample(5)["grade"], "level": "immediate"}}
    delivery = returned(world, sample(5) | grade, FIRST)
    newest = told_not_to("Orchad Drift Primary") | grade
    assert send(world, {"id": delivery["referral"]}, newest).status_code == 202
    assert redirect(world, ops, delivery, agency=SECOND).status_code == 200


def test_25_a_school_that_a_child_names_is_known_by_its_urn(
    world: World, ops: dict[str, str]
) -> None:
    document = employed(organisation="St Ebba's")
    document["children"].append(
        {**document["children"][0], "id": "other", "school": {"urn": "900002", "name": "St Ebbas"}}
    )
    assert reason(to_second(world, ops, document)) == "suspect-at-recipient"


@pytest.mark.parametrize(
    ("until", "whom", "code"),
    [
        ("2027-01-04T12:00:00+00:00", "school", "embargo"),
        ("2026-12-22T09:59:00+00:00", "school", None),
        ("2027-01-04T12:00:00+00:00", "family", None),
    ],
)
def test_35_an_embargo_counts_while_it_lasts_and_for_whom_it_names(
    world: World, ops: dict[str, str], until: str, whom: str, code: str | None
) -> None:
    document = with_embargo(sample(5), until)
    document["handling"]["embargo"]["no_contact_with"] = [whom]
    answer = to_second(world, ops, document)
    assert (reason(answer) if code else answer.status_code) == (code or 200)


def test_35_what_a_correction_gave_anew_is_not_redirected(
    world: World, ops: dict[str, str]
) -> None:
    delivery = returned(world, sample(5), FIRST)
    document = sample(5)
    document["concern"]["summary"] = "More is known now."
    correct(world, {"id": delivery["referral"]}, document)
    assert reason(redirect(world, ops, delivery, agency=SECOND)) == "not-returned"
    assert world.collect(SECOND) == []


def test_24_every_door_refuses_alike(
    world: World, ops: dict[str, str], context: Context, run: Run
) -> None:
    delivery = returned(world, sample(5), FIRST)
    send(world, {"id": delivery["referral"]}, told_not_to("Orchard Drift Primary"))
    key = ops["Authorization"].removeprefix("Bearer ")
    with listening(context) as url:
        with Ops(url, key) as client, pytest.raises(Conflict) as refused:
            client.redirect(delivery["delivery"], agency=SECOND)
        assert [fault.code for fault in refused.value.faults] == ["not-disclosed"]
        arguments = ("redirect", delivery["delivery"], "--agency", SECOND, "--yes")
        done = run(*arguments, BROKER_URL=url, BROKER_KEY=key)
        assert done.code == 6
    plan = operator_actions.plan_redirect(
        context, receiver=SECOND, agency=FIRST, cause=None, per_minute=6000, by="person:Jo"
    )
    planned = operator_actions.planned(context, plan)
    (line,) = operator_actions.redirect_lines(context, planned)
    assert (line.refused, line.count) == ("not-disclosed", 1)
    operator_actions.start_replay(context, plan, reason="They serve it.", typed="1", by="person:Jo")
    world.clock.advance(seconds=5)
    bulk.advance_replays(context)
    bulk.advance_replays(context)
    assert operator_actions.planned(context, plan).failed == 1
    assert world.collect(SECOND) == []


def test_36_what_was_recalled_is_redirected_by_no_door(
    world: World, ops: dict[str, str], context: Context
) -> None:
    delivery = returned(world, sample(5), FIRST)
    plan = operator_actions.plan_redirect(
        context, receiver=SECOND, agency=FIRST, cause=None, per_minute=6000, by="person:Jo"
    )
    operator_actions.start_replay(context, plan, reason="They serve it.", typed="1", by="person:Jo")
    recall(world, delivery["referral"])
    world.clock.advance(seconds=5)
    bulk.advance_replays(context)
    assert reason(redirect(world, ops, delivery, agency=SECOND)) == "recalled"
    assert world.collect(SECOND) == []


YOUTH_JUSTICE, NEXT = "staffordshire-yjs", "shropshire-yjs"
BOY = {"id": "boy", "given_name": "Rufus", "date_of_birth": "2011-05-05", "area": "E10000028"}


def about_a_boy(**rest: Any) -> dict[str, Any]:
    document = sample(1)
    document["persons_posing_risk"] = [BOY]
    return {**document, **rest}


def returned_by_youth_justice(world: World, document: dict[str, Any]) -> dict[str, Any]:
    """Have a part released where it is held, collected, and returned for the wrong area."""
    world.at("2026-12-22 10:00")
    part = leg(world.routed(document), YOUTH_JUSTICE)
    if part["state"] == "held":
        path = f"/v1/deliveries/{part['id']}/hold/release"
        body, headers = {"reason": "He is arrested."}, world.headers("ops", "ops")
        assert world.client.post(path, json=body, headers=headers).status_code == 200
    (offered,) = world.collect(YOUTH_JUSTICE)
    answer = {"delivery": offered["delivery"], "stage": "returned", "by": "YJS"}
    settled = world.answer(YOUTH_JUSTICE, **answer, reason="wrong_area", area="E06000051")
    assert settled["result"] == "recorded", settled
    world.drain()
    return offered


def parts(context: Context) -> list[tuple[str, str]]:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(
            "select agency, state from delivery where policy_row = 'youth-justice' order by id"
        ).fetchall()


def test_17_a_wrong_area_goes_on_by_itself_without_an_embargo(
    world: World, context: Context
) -> None:
    returned_by_youth_justice(world, about_a_boy())
    assert parts(context) == [(YOUTH_JUSTICE, "returned"), (NEXT, "available")]


def test_40_what_words_forbid_does_not_go_on_by_itself(world: World, context: Context) -> None:
    words = {"instructions": "Do not contact the suspect before Friday noon."}
    offered = returned_by_youth_justice(world, about_a_boy(handling=words))
    assert parts(context) == [(YOUTH_JUSTICE, "returned")]
    assert world.collect(NEXT) == []
    headers = world.headers("ops", "ops")
    lists = world.client.get("/v1/attention", headers=headers).json()
    assert offered["delivery"] in {item["delivery"] for item in lists["returned"]}
    # A person released it, so a person may send it on.
    assert redirect(world, headers, offered, agency=NEXT).status_code in (200, 201, 202)
    assert parts(context) == [(YOUTH_JUSTICE, "returned"), (NEXT, "available")]


def test_40_what_words_forbid_and_nobody_released_is_not_sent_on_by_hand(
    world: World, context: Context
) -> None:
    world.at("2026-12-22 10:00")
    document = about_a_boy()
    offer = leg(world.routed(document), YOUTH_JUSTICE)
    (offered,) = world.collect(YOUTH_JUSTICE)
    answer = {"delivery": offer["id"], "stage": "returned", "by": "YJS", "reason": "not_ours"}
    assert world.answer(YOUTH_JUSTICE, **answer)["result"] == "recorded"
    words = {"instructions": "Do not contact the suspect before Friday noon."}
    newest = about_a_boy(handling=words)
    assert send(world, {"id": offered["referral"]}, newest).status_code == 202
    refused = redirect(world, world.headers("ops", "ops"), offered, agency=NEXT)
    assert reason(refused) == "embargo-in-words"
    assert parts(context) == [(YOUTH_JUSTICE, "returned")]


def test_40_an_immediate_one_goes_on_whatever_words_say(world: World, context: Context) -> None:
    words = {"instructions": "Do not contact the suspect before Friday noon."}
    grade = {"level": "immediate", "reason": "Invented."}
    returned_by_youth_justice(world, about_a_boy(handling=words, grade=grade))
    assert parts(context) == [(YOUTH_JUSTICE, "returned"), (NEXT, "available")]
