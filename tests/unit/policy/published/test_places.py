"""A directory says who serves which place: nations, kinds of its own, and areas that exist."""

from datetime import UTC, datetime
from typing import Any

import pytest

from broker.channels.registry import CHANNELS
from broker.policy.published.lint import lint, remarks
from broker.policy.published.policy import documents_from, load
from broker.policy.routing.plan import Plan, route
from broker.shipped import POLICY
from schemas.tolerance import reload
from tests.acceptance.conftest import sample

AT = datetime(2026, 12, 18, 16, 50, tzinfo=UTC)
"""A Friday, ten minutes before offices close."""
TEAM = """
  {code}:
    name: An invented team
    kind: {kind}
    nation: {nation}
    areas: [{area}]
    hours: office
    channel: mailbox
    from: 2026-01-01
    contacts: {{duty: {{email: duty@invented.example.org}}}}{partner}
"""
PARTNER = """
    out_of_hours_partner: invented-edt
  invented-edt:
    name: An invented emergency duty team
    kind: out-of-hours
    nation: {nation}
    areas: [{area}]
    hours: always
    channel: mailbox
    from: 2026-01-01
    contacts: {{duty: {{email: duty@invented-edt.example.org}}}}"""
Documents = dict[str, str]


def with_team(code: str, *, kind: str = "social-care", nation: str, area: str) -> Documents:
    documents = documents_from(POLICY)
    partner = PARTNER.format(nation=nation, area=area) if kind == "social-care" else ""
    team = TEAM.format(code=code, kind=kind, nation=nation, area=area, partner=partner)
    return documents | {"directory.yaml": documents["directory.yaml"].rstrip("\n") + team}


def plan(documents: Documents, child: dict[str, Any]) -> Plan:
    document = sample(1)
    anonymous = {name: document["children"][0][name] for name in ("id", "given_name", "voice")}
    document["children"] = [anonymous | child]
    return route(
        reload(document),
        publisher="staffordshire-police",
        policy=load(documents, version="test", channels=CHANNELS.forms),
        accepted_at=AT,
        now=AT,
        areas={},
    )


def codes(documents: Documents) -> set[str]:
    return {fault.code for fault in lint(documents, channels=CHANNELS.forms)}


@pytest.mark.parametrize(
    ("nation", "area", "row", "decide"),
    [
        ("WLS", "W06000006", "social-care-wales", datetime(2026, 12, 21, 17, tzinfo=UTC)),
        ("SCT", "S12000036", "social-care-scotland", datetime(2026, 12, 21, 17, tzinfo=UTC)),
        ("NIR", "N09000003", "social-care-northern-ireland", AT.replace(day=19)),
        ("ENG", "E08000025", "social-care", datetime(2026, 12, 21, 17, tzinfo=UTC)),
    ],
)
def test_each_nation_has_a_row_and_deadlines_of_its_own(
    nation: str, area: str, row: str, decide: datetime
) -> None:
    documents = with_team("invented-team", nation=nation, area=area)
    assert lint(documents, channels=CHANNELS.forms) == []
    (leg,) = plan(documents, {"area": area}).assignments
    assert (leg.agency, leg.row, leg.due["decide"]) == ("invented-team", row, decide)
    assert leg.explanation["basis"] in ("statute", "guidance")


def test_a_row_of_a_nation_is_held_to_the_guidance_of_that_nation() -> None:
    documents = documents_from(POLICY)
    strict = "high: {acknowledge: 4 working hours, decide: 24 hours}"
    relaxed = strict.replace("24 hours", "1 working day")
    assert strict in documents["policy.yaml"]
    spoilt = documents["policy.yaml"].replace(strict, relaxed)
    assert codes(documents | {"policy.yaml": spoilt}) == {"deadline-relaxed"}


@pytest.mark.parametrize("area", ["E99999999", "E07000197", "S12000046", "E10000006", "PH"])
def test_a_directory_serves_authorities_that_exist(area: str) -> None:
    assert codes(with_team("invented-team", nation="ENG", area=area)) == {"unknown-name"}


def test_the_isle_of_man_and_the_forces_can_be_served() -> None:
    for area in ("IM", "BFPO"):
        documents = with_team("invented-team", nation="ENG", area=area)
        assert lint(documents, channels=CHANNELS.forms) == []
        postcode = {"IM": "IM1 1AA", "BFPO": "BFPO 12"}[area]
        (leg,) = plan(documents, {"address": {"postcode": postcode}}).assignments
        assert leg.agency == "invented-team"


def test_a_kind_of_its_own_receives_by_a_row() -> None:
    documents = with_team("invented-team", kind="river-police", nation="ENG", area="E06000021")
    assert codes(documents) == {"unknown-name"}
    kind = "kinds:\n  river-police: {name: River police, view: school}\n"
    documents["directory.yaml"] = documents["directory.yaml"].replace("kinds:\n", kind)
    documents["policy.yaml"] += """
  - id: river-police
    sentence: The child lives beside the river.
    basis: assumption
    source: Invented
    for: child
    when: child.area == 'E06000021'
    to: {kind: river-police, of: child.area}
    role: copy
    view: school
    deadlines: copy
    from: 2026-01-01
"""
    assert lint(documents, channels=CHANNELS.forms) == []
    policy = load(documents, version="test", channels=CHANNELS.forms)
    assert policy.directory.kinds["river-police"].view == "school"
    agencies = {leg.agency for leg in plan(documents, {"area": "E06000021"}).assignments}
    assert agencies == {"stoke-csc", "invented-team"}


def test_a_kind_has_a_view_that_exists() -> None:
    documents = documents_from(POLICY)
    spoilt = documents["directory.yaml"].replace("view: youth-justice", "view: nobodys")
    assert codes(documents | {"directory.yaml": spoilt}) == {"unknown-name"}


def test_authorities_that_nobody_serves_are_remarked_and_no_fault() -> None:
    documents = documents_from(POLICY)
    remark = remarks(documents, channels=CHANNELS.forms)[-1]
    assert remark.startswith("214 of 218 authorities")
    assert lint(documents, channels=CHANNELS.forms) == []
