"""The samples are what they say they are, and the invented referrals look like a real month."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import jsonschema
import pytest

from broker.devstack.sample_referrals import generate, shipped
from schemas import documents
from schemas.errors import Unreadable, UnreadableKind
from schemas.export import json_schema
from schemas.referral import load

NOW = datetime(2026, 12, 15, 10, tzinfo=UTC)
AREAS = {"E10000028", "E06000021", "E06000051", "S12000049"}
SHIPPED = dict(shipped())
VALID = sorted(set(SHIPPED) - {"case-13-invalid", "case-14-picture"})
REFERRAL = jsonschema.Draft202012Validator(json_schema("referral"))
SOME = list(generate(1, 2000, now=NOW))


def checked(document):
    submitted = datetime.fromisoformat(document["times"]["submitted_at"])
    return load(document, today=submitted.date(), areas=AREAS)


def test_every_case_that_needs_a_document_has_one():
    numbers = {int(name[5:7]) for name in SHIPPED if name.startswith("case-")}
    assert numbers == {*range(1, 16), 17}


@pytest.mark.parametrize("name", VALID)
def test_a_shipped_sample_is_valid_by_both_readings(name):
    body = json.dumps(SHIPPED[name]).encode()
    assert checked(documents.read(body).value).faults == []
    assert list(REFERRAL.iter_errors(SHIPPED[name])) == []


def test_references_are_unique():
    references = [document["reference"] for document in SHIPPED.values()]
    assert len(set(references)) == len(references)


def test_the_full_sample_has_every_field():
    def empty(value):
        fields = getattr(value, "__dataclass_fields__", {})
        return [name for name in fields if getattr(value, name) in (None, ())]

    full = checked(SHIPPED["full"]).referral
    persons = {"expected_date_of_birth", "approximate_age"}
    assert [*empty(full), *empty(full.handling), *empty(full.online), *empty(full.concern)] == []
    assert set(empty(full.children[0])) <= persons
    assert empty(full.persons_posing_risk[0]) == ["voice"], "that is for a child who harmed"
    assert empty(full.referrer) + empty(full.times) + empty(full.grade) == []


def test_the_invalid_sample_has_its_four_faults():
    faults = [(fault.pointer, fault.code) for fault in checked(SHIPPED["case-13-invalid"]).faults]
    assert faults == [
        ("/children/0/area", "unknown-area"),
        ("/children/0/date_of_birth", "date-in-future"),
        ("/children/0/nhs_number", "nhs-number-check-digit"),
        ("/children/0/shoe_size", "unknown-field"),
    ]


def test_the_picture_sample_is_refused_before_it_is_read():
    with pytest.raises(Unreadable) as refused:
        documents.read(json.dumps(SHIPPED["case-14-picture"]).encode())
    assert refused.value.kind is UnreadableKind.PROHIBITED


def test_the_blank_sample_keeps_the_reasons_apart():
    defects = Counter(fault.code for fault in checked(SHIPPED["case-11-blanks"]).defects)
    assert defects == Counter(
        [
            *("missing-ethnicity", "missing-disability", "missing-voice"),
            *("ethnicity-not-asked", "disability-refused", "language-not-yet-known"),
            "voice-not-asked",
        ]
    )


def test_the_same_seed_gives_the_same_referrals():
    assert SOME[:50] == list(generate(1, 50, now=NOW))
    assert SOME[:50] != list(generate(2, 50, now=NOW))


def test_generated_references_are_unique():
    assert len({document["reference"] for document in SOME}) == len(SOME)


def test_about_one_in_fifty_is_invalid_and_each_way_of_being_so_occurs():
    faults = [listed for document in SOME if (listed := checked(document).faults)]
    assert 0.01 < len(faults) / len(SOME) < 0.035
    assert {fault.code for listed in faults for fault in listed} == {
        *("date-in-future", "nhs-number-check-digit", "unknown-field"),
        *("unknown-area", "required"),
    }


def test_about_one_in_a_hundred_has_no_area_at_all():
    nowhere = [document for document in SOME if '"area"' not in json.dumps(document)]
    assert 0.004 < len(nowhere) / len(SOME) < 0.02
    assert all(checked(document).faults == [] for document in nowhere)


def test_the_mixture_holds_every_grade_area_and_special_route():
    children = [child for document in SOME for child in document["children"]]
    persons = [person for document in SOME for person in document["persons_posing_risk"]]
    assert {document["grade"]["level"] for document in SOME} == {
        *("immediate", "very_high", "high", "medium", "low")
    }
    assert {child.get("area") for child in children} >= AREAS
    assert any(child["missing"].get("status") == "missing" for child in children)
    assert any("health" in child for child in children)
    assert any("roles" in person for person in persons)
    assert any(person["management"].get("managed_by") == "probation" for person in persons)
    assert any("embargo" in document["handling"] for document in SOME)


def test_a_generated_referral_has_an_ordinary_size_and_carries_nothing_prohibited():
    sizes = [len(json.dumps(document)) for document in SOME[:200]]
    assert 2500 < sum(sizes) / len(sizes) < 5500
    assert all(documents.prohibited(document) == [] for document in SOME[:200])


def test_everything_was_submitted_before_now():
    assert all(
        NOW - timedelta(hours=1) < datetime.fromisoformat(document["times"]["submitted_at"]) < NOW
        for document in SOME
    )


def test_referrals_are_made_one_at_a_time():
    assert len(list(islice(generate(3, 10**9, now=NOW), 2))) == 2


def test_ages_follow_the_clock_that_is_given():
    born = [
        child["date_of_birth"]
        for document in SOME
        for child in document["children"][:1]
        if "date_of_birth" in child
    ]
    assert min(born) > date(2008, 1, 1).isoformat()


@pytest.mark.parametrize("now", [NOW, datetime(2024, 2, 29, tzinfo=UTC), NOW.replace(year=2029)])
def test_shipped_samples_can_be_brought_to_any_day_by_whole_weeks(now):
    for name, moved in shipped(now=now):
        before, after = (
            datetime.fromisoformat(sample["times"]["submitted_at"])
            for sample in (SHIPPED[name], moved)
        )
        assert timedelta(0) <= now - after < timedelta(weeks=1)
        assert (before - after) % timedelta(weeks=1) == timedelta(0)
        assert moved["concern"]["summary"] == SHIPPED[name]["concern"]["summary"]
