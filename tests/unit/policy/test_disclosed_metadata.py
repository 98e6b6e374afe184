"""Nothing outside its view and scope occurs in anything that an agency is given."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest

from broker.devstack.sample_referrals import generate, shipped
from broker.domain.codes import DeliveryKind
from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.states import DeliveryState
from broker.flow.render import render
from broker.policy.disclosure import Disclosed, disclose
from broker.policy.language.evidence import FIELDS
from broker.policy.language.vocabulary import FACTS, PLACES
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import Assignment, reasons_in, shown_reasons
from broker.policy.routing.plan import Plan, route
from schemas.referral import CheckedReferral, load

AT = datetime(2027, 4, 7, 9, 0, tzinfo=UTC)
NAMESPACE = "org.example.tool"
PEOPLE = ("children", "household", "persons_posing_risk")


class OneVersion:
    """The policies of a broker that has one."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def version(self, _: str) -> Policy:
        return self.policy


def mutated(document: dict[str, Any], random: Random) -> dict[str, Any]:
    """Return a referral with a sibling elsewhere, a missing child, and people to be named."""
    document = copy.deepcopy(document)
    for number, child in enumerate(document.get("children", ())):
        child |= {"given_name": f"Zgiven{number}", "family_name": f"Zfamily{number}"}
        child["voice"] = {"said": f"Zvoice{number}"}
    if document.get("children") and random.random() < 0.7:
        sibling = copy.deepcopy(document["children"][0])
        sibling |= {"id": "sibling", "given_name": "Zgivensib", "area": "E06000051"}
        sibling |= {"missing": {"status": "missing"}, "voice": {"said": "Zvoicesib"}}
        sibling.pop("ethnicity", None)
        document["children"].insert(0, sibling)
    document["extensions"] = {
        "staffordshire-police": {"note": "Zunlisted"},
        NAMESPACE: {"about": [child["id"] for child in document.get("children", ())][:1]},
        f"{NAMESPACE}.all": [{"of": "Zeverybody"}],
    }
    document["extensions"][NAMESPACE] |= {"names": "".join(given_names(document)[:1])}
    for number, person in enumerate(document.get("persons_posing_risk", ())):
        person |= {"given_name": f"Zsuspect{number}", "offence_history": f"Zhistory{number}"}
    return document


def given_names(document: Mapping[str, Any]) -> list[str]:
    return [child["given_name"] for child in document.get("children", ())]


def showing_extensions(policy: Policy) -> Policy:
    """Return a policy whose views show two namespaces."""
    namespaces: dict[str, Any] = {NAMESPACE: {}, f"{NAMESPACE}.all": {}}
    views = {
        name: replace(view, shows={**view.shows, "extensions": namespaces})
        for name, view in policy.views.items()
    }
    return replace(policy, views=views)


def documents() -> Iterator[dict[str, Any]]:
    random = Random(13)
    for document in generate(13, 60, now=AT):
        yield mutated(document, random)
    for _, document in shipped(now=AT):
        yield mutated(document, random)


def routed(document: dict[str, Any], policy: Policy) -> tuple[CheckedReferral, Plan] | None:
    checked = load(document, today=AT.date(), areas=policy.gazetteer)
    if checked.referral is None:
        return None
    plan = route(
        checked.referral,
        publisher="staffordshire-police",
        policy=policy,
        accepted_at=AT,
        now=AT,
        areas={},
    )
    return checked, plan


def offer(document: dict[str, Any], leg: Assignment, checked: CheckedReferral, plan: Plan) -> Offer:
    return Offer(
        id=DeliveryId(UUID(int=1)),
        referral=ReferralId(UUID(int=2)),
        reference="R",
        publisher=OrganisationCode("staffordshire-police"),
        agency=leg.agency,
        channel=leg.channel,
        state=DeliveryState.COLLECTED,
        attempt=1,
        lease=None,
        role=leg.role,
        row=leg.row,
        view=leg.view,
        scope=leg.scope,
        grade=str(plan.grade),
        effective_grade=str(plan.effective_grade),
        policy_version="1",
        accepted_at=AT,
        available_at=AT,
        clock_start=AT,
        due=leg.due,
        met={},
        explanation=orjson.loads(orjson.dumps(leg.explanation)),
        defects=[asdict(defect) for defect in checked.defects],
        warnings=orjson.loads(orjson.dumps([asdict(warning) for warning in plan.warnings])),
        areas={},
        body=orjson.dumps(document),
        version=1,
        latest_version=1,
        kind=DeliveryKind.REFERRAL,
        follows=None,
        stands=True,
    )


def rendered(policy: Policy) -> Iterator[tuple[dict[str, Any], Assignment, dict[str, Any]]]:
    """Go through what every agency is given of every document."""
    for document in documents():
        judged = routed(document, policy)
        for leg in judged[1].assignments if judged else ():
            assert judged is not None
            yield document, leg, render(offer(document, leg, *judged), OneVersion(policy))  # type: ignore[arg-type]


def disclosures(policy: Policy) -> Iterator[tuple[dict[str, Any], Assignment, Disclosed]]:
    """Go through what every agency may see of every document."""
    for document in documents():
        judged = routed(document, policy)
        for leg in judged[1].assignments if judged else ():
            yield (
                document,
                leg,
                disclose(leg.view, document=document, scope=leg.scope, policy=policy),
            )


def pointers(value: object, above: str = "") -> Iterator[str]:
    """Go through the places of everything in a document."""
    yield above
    items = value.items() if isinstance(value, dict) else ()
    for name, below in enumerate(value) if isinstance(value, list) else items:
        yield from pointers(below, f"{above}/{name}")


def strangers(document: Mapping[str, Any], leg: Assignment) -> set[str]:
    """Return the ids and names of children and suspects whom a leg does not show."""
    seen = {*leg.children, *leg.persons}
    return {
        value
        for group in ("children", "persons_posing_risk")
        for person in document.get(group, ())
        if person["id"] not in seen
        for value in (f'"{person["id"]}"', f" {person['id']}:", person.get("given_name"))
        if value
    }


def resolves(pointer: str, shown: Mapping[str, Any]) -> bool:
    """Tell whether everything above the last part of a pointer is in what was shown."""
    node: Any = {**shown["content"], "handling": shown["handling"]}
    for token in pointer.split("/")[1:-1]:
        try:
            node = node[int(token)] if isinstance(node, list) else node[token]
        except (KeyError, IndexError, ValueError):
            return False
    return True


def test_nobody_outside_the_scope_occurs_in_what_an_agency_is_given(book: Policy) -> None:
    count = 0
    for document, leg, shown in rendered(book):
        text = json.dumps(shown)
        names = {name for name in strangers(document, leg) if name in text}
        assert not names, (leg.agency, leg.view, names)
        count += 1
    assert count > 100


def test_nothing_moved_is_where_it_was_noted_to_be(book: Policy) -> None:
    """The short way to a place, where nothing was noted, is the long way to it."""
    count = 0
    for document, leg, disclosed in disclosures(book):
        at_length = replace(disclosed, _places={"/nowhere": None, **disclosed._places}, _known={})
        for pointer in pointers(document):
            assert disclosed.pointer(pointer) == at_length.pointer(pointer), (leg.view, pointer)
        count += not disclosed._places
    assert count > 50


def test_a_place_in_a_list_is_that_of_the_same_person(book: Policy) -> None:
    moved = 0
    for document, leg, disclosed in disclosures(book):
        for part in PEOPLE:
            for number, person in enumerate(document.get(part, ())):
                pointer = f"/{part}/{number}"
                place = disclosed.pointer(pointer)
                if place is not None:
                    group, at = place.split("/")[1:]
                    assert disclosed.content[group][int(at)]["id"] == person["id"], leg.view
                    moved += place != pointer
    assert moved


def test_who_is_shown_everything_reads_every_reason_whole(book: Policy) -> None:
    for document in documents():
        judged = routed(document, book)
        for leg in judged[1].assignments if judged else ():
            stored = orjson.loads(orjson.dumps(leg.explanation))
            reasons = [str(reason) for reason in reasons_in(stored)]
            assert list(shown_reasons(stored, lambda _: True)) == reasons == stored["because"]


def test_an_extension_is_shown_to_nobody_unless_a_view_names_its_namespace(book: Policy) -> None:
    for _, leg, shown in rendered(book):
        assert "extensions" not in shown["content"], leg.view


def test_an_extension_is_shown_to_who_sees_everybody_whom_it_is_about(book: Policy) -> None:
    shown_about, shown_all = 0, 0
    for document, leg, shown in rendered(showing_extensions(book)):
        text = json.dumps(shown)
        hidden = strangers(document, leg)
        assert "Zunlisted" not in text
        assert not {name for name in hidden if name in text}, (leg.agency, leg.view)
        assert ("Zeverybody" in text) is (not hidden)
        shown_all += "Zeverybody" in text
        shown_about += NAMESPACE in shown["content"].get("extensions", {}) and bool(hidden)
    assert shown_about
    assert shown_all


def test_what_derives_from_a_referral_says_no_more_than_the_content(book: Policy) -> None:
    for document, leg, shown in rendered(book):
        derived = json.dumps([shown["why"], shown["defects"], shown["warnings"]])
        content = json.dumps(shown["content"])
        for child in document.get("children", ()):
            for value in (child.get("area"), child.get("voice", {}).get("said")):
                if value and value not in content:
                    assert value not in derived, (leg.view, value)
        if "missing" not in content:
            assert "missing now" not in shown["why"], leg.view
        for fault in (*shown["defects"], *shown["warnings"]):
            assert resolves(fault["pointer"], shown), (leg.view, fault)
            assert "needs" not in fault


def test_a_voice_is_shown_to_social_care_alone(book: Policy) -> None:
    heard = {leg.view for _, leg, shown in rendered(book) if "Zvoice" in json.dumps(shown)}
    assert heard <= {"social-care", "placing-authority"}


def test_a_view_shows_whom_not_to_tell(book: Policy) -> None:
    for view in book.views.values():
        shown = view.shows["handling"]
        assert not shown or "do_not_disclose_to" in shown, view.name


@pytest.mark.parametrize("name", [*FACTS, *PLACES])
def test_it_is_written_what_every_fact_rests_on(name: str) -> None:
    assert name in FIELDS
