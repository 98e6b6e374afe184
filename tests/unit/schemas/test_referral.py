"""Everything wrong with a referral is told at once; gaps are named and let pass."""

import time
from dataclasses import fields
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas import tolerance
from schemas.catalogue import KINDS
from schemas.errors import Fault
from schemas.export import kinds
from schemas.fields import Knowable, Many, One
from schemas.loading import Record
from schemas.referral import REFERRAL, load
from schemas.unknown import Unknown, known
from tests.conftest import examples
from tests.unit.schemas.conftest import CEILING_SECONDS

TODAY = date(2026, 12, 22)
GONE = object()
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def schemas_within(schema):
    """Go through a schema and all schemas inside it."""
    yield schema
    for field in schema.fields.values():
        inner = field
        while isinstance(inner, Knowable | Many):
            inner = inner.inner
        if isinstance(inner, One):
            yield from schemas_within(inner.schema)


def pointers(value, pointer=""):
    """Go through the pointers of all values in a document."""
    yield pointer
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in items:
            yield from pointers(item, f"{pointer}/{step}")


def test_the_full_referral_loads_with_instants_in_utc(full):
    referral = load(full, today=TODAY).referral
    assert referral.handling.embargo.until == datetime(2026, 12, 23, 12, tzinfo=UTC)
    assert referral.children[0].ethnicity.code == "WBRI"
    assert referral.children[0].religion is Unknown.REFUSED
    assert referral.children[0].date_of_birth == date(2012, 3, 15)
    assert referral.persons_posing_risk[0].roles[1].kind == "volunteering"


def test_an_offset_is_turned_into_utc(changed):
    document = changed("/times/first_known_at", "2026-12-21T23:30:00+05:00")
    first_known_at = load(document, today=TODAY).referral.times.first_known_at
    assert (first_known_at.hour, first_known_at.tzinfo) == (18, UTC)


def test_what_is_left_out_is_empty_or_none(full):
    needed = ("schema", "reference", "referrer", "times", "grade", "concern")
    document = {name: full[name] for name in needed}
    # What says whom it is about would point at nobody here.
    document["concern"] = {name: full["concern"][name] for name in ("category", "summary")}
    referral = load(document, today=TODAY).referral
    assert (referral.children, referral.online.hashes, referral.handling.embargo) == ((), (), None)


def test_every_field_of_a_schema_is_one_of_its_dataclass():
    for schema in schemas_within(REFERRAL):
        assert [*schema.fields]
        assert {*schema.fields} == {field.name for field in fields(schema.record)}


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        ("/schema", "referral/2", "unknown-schema"),
        ("/reference", "-begins-badly", "bad-reference"),
        ("/reference", "a" * 65, "bad-reference"),
        ("/reference", "ends-badly\n", "bad-reference"),
        ("/reference", 12, "wrong-type"),
        ("/referrer", "DC Ashgrove", "wrong-type"),
        ("/referrer/name", "  ", "required"),
        ("/referrer/name", "n" * 201, "too-long"),
        ("/referrer/email", "nobody", "bad-email"),
        ("/handling/marking", "SECRET", "unknown-code"),
        ("/handling/embargo/until", "2026-12-23T12:00:00", "naive-time"),
        ("/handling/embargo/until", "Wednesday noon", "bad-time"),
        ("/handling/embargo/until", "2026-02-30T12:00:00Z", "bad-time"),
        ("/handling/embargo/until", "0001-01-01T00:00:00+23:59", "bad-time"),
        ("/handling/embargo/no_contact_with/0", "friends", "unknown-code"),
        ("/handling/parents_informed/informed", "yes", "wrong-type"),
        ("/times/first_known_at", "2027-01-05T00:00:00Z", "date-in-future"),
        ("/times/first_known_at", "20261221T120000Z", "bad-time"),
        ("/grade/level", "urgent", "unknown-code"),
        ("/children", {}, "wrong-type"),
        ("/children/0", None, "wrong-type"),
        ("/children/0/id", "Child 1", "bad-id"),
        ("/children/0/given_name", None, "wrong-type"),
        ("/children/0/date_of_birth", "2026-12-23", "date-in-future"),
        ("/children/0/date_of_birth", "15/03/2012", "bad-date"),
        ("/children/0/date_of_birth", "2012-02-30", "bad-date"),
        ("/children/1/expected_date_of_birth", "2027-12-31", "date-too-far"),
        ("/children/0/sex", "girl", "unknown-code"),
        ("/children/0/ethnicity/code", "XXXX", "unknown-code"),
        ("/children/0/disability", "NONE", "wrong-type"),
        ("/children/0/religion/unknown", "lost", "unknown-code"),
        ("/children/0/religion/unknown", ["refused"], "unknown-code"),
        ("/children/0/nhs_number", "123456789", "nhs-number-format"),
        ("/children/0/nhs_number", "9434765918", "nhs-number-check-digit"),
        ("/children/0/upn", "A1", "bad-upn"),
        ("/children/0/area", "Staffordshire", "bad-area"),
        ("/children/0/area", "E99999999", "unknown-area"),
        ("/children/0/found_area", "E99999999", "unknown-area"),
        ("/children/0/open_case/area", "E99999999", "unknown-area"),
        ("/children/0/address/postcode", "STAFFS", "bad-postcode"),
        ("/children/0/address/uprn", "12x", "bad-uprn"),
        ("/children/0/school/urn", "90001", "bad-urn"),
        ("/children/0/interpreter_needed", 0, "wrong-type"),
        ("/children/0/lives_with/0", "nobody", "unknown-person"),
        ("/children/0/missing/status", "gone", "unknown-code"),
        ("/children/0/voice/not_asked", "No time.", "contradiction"),
        ("/children/2/approximate_age", 26, "out-of-range"),
        ("/children/2/approximate_age", True, "wrong-type"),
        ("/children/2/approximate_age", 11.0, "wrong-type"),
        ("/children/1/id", "child-1", "duplicate-id"),
        ("/persons_posing_risk/0/id", "mother", "duplicate-id"),
        ("/household/0/children/0", "mother", "unknown-child"),
        ("/persons_posing_risk/0/contact/0/child", "child-9", "unknown-child"),
        ("/persons_posing_risk/0/roles/0/kind", "job", "unknown-code"),
        ("/online/identities/1/id", "account-1", "duplicate-id"),
        ("/online/identities/0/belongs_to", "nobody", "unknown-person"),
        ("/online/ip_events/0/address", "192.0.2.300", "bad-ip"),
        ("/online/ip_events/0/address", "1" * 99, "bad-ip"),
        ("/online/ip_events/0/port", 65_536, "out-of-range"),
        ("/online/hashes/0/value", "not a hash", "bad-hash"),
        ("/online/tags/0", "Two Words", "bad-tag"),
        ("/online/tags", ["tag"] * 31, "too-long"),
        ("/concern/intelligence/0/source_evaluation", 4, "out-of-range"),
        ("/concern/intelligence/0/information_evaluation", "F", "unknown-code"),
    ],
)
def test_a_value_that_may_not_stand_there_has_its_pointer_and_code(
    changed, faults, pointer, value, code
):
    found = faults(changed(pointer, value))
    assert (pointer, code) in found
    # A new id leaves links to the old one dangling; nothing else may have a second fault.
    assert all(code.startswith("unknown-") for at, code in found if at != pointer)


@pytest.mark.parametrize(
    "pointer",
    [
        *("/schema", "/reference", "/referrer", "/referrer/name", "/referrer/role", "/times"),
        *("/times/first_known_at", "/grade", "/grade/level", "/grade/reason", "/concern"),
        *("/concern/category", "/concern/summary", "/children/2/id", "/handling/embargo/until"),
    ],
)
def test_what_is_needed_and_left_out_is_asked_for(changed, faults, pointer):
    assert faults(changed(pointer, changed.GONE)) == [(pointer, "required")]


def test_an_email_address_or_a_telephone_number_is_enough(full, faults):
    without = {key: value for key, value in full["referrer"].items() if key != "email"}
    assert faults(full | {"referrer": without}) == []
    neither = {key: value for key, value in without.items() if key != "telephone"}
    assert faults(full | {"referrer": neither}) == [("/referrer", "no-contact")]


def test_null_is_answered_with_what_to_do_instead(changed):
    found = load(changed("/children/0/upn", None), today=TODAY).faults
    assert found[0].message == "Leave the field out when there is no value."


def test_an_unknown_field_is_found_at_every_depth_and_its_pointer_escaped(full, faults):
    document = full | {"a/b~c": 1, "grade": full["grade"] | {"colour": "red"}}
    assert faults(document) == [("/a~1b~0c", "unknown-field"), ("/grade/colour", "unknown-field")]


def test_every_object_of_the_full_referral_refuses_a_field_that_is_not_its_own(
    changed, faults, full
):
    for pointer in pointers(full):
        is_ours = _is_object(full, pointer) and not pointer.startswith("/extensions")
        document = changed(f"{pointer}/zzz", 1) if is_ours else None
        if document is not None:
            assert (f"{pointer}/zzz", "unknown-field") in faults(document)


def test_faults_of_all_kinds_are_told_at_once_in_the_order_of_the_document(faults):
    document = {"schema": "referral/1", "children": [{"id": f"c{n}"} for n in range(12)]}
    document["children"][10] = {"id": "c1", "lives_with": ["x"]}
    document["children"][2]["nhs_number"] = "1"
    assert faults(document) == [
        ("/children/2/nhs_number", "nhs-number-format"),
        ("/children/10/id", "duplicate-id"),
        ("/children/10/lives_with/0", "unknown-person"),
        ("/concern", "required"),
        ("/grade", "required"),
        ("/reference", "required"),
        ("/referrer", "required"),
        ("/times", "required"),
    ]


def test_a_value_is_never_repeated_in_a_message(changed):
    document = changed("/children/0/nhs_number", "Zebedee")
    document["children"][0]["area"] = "Zebedee"
    document["grade"]["level"] = "Zebedee"
    found = load(document, today=TODAY, areas=set()).faults
    assert len(found) >= 3
    assert not any("Zebedee" in fault.message for fault in found)


def test_a_document_of_nothing_but_faults_gets_a_bounded_answer_in_bounded_time(full):
    wrong = {f"{n:x}": 1 for n in range(1000)}
    began = time.process_time()
    found = load(full | {"children": [wrong] * 20}, today=TODAY).faults
    assert time.process_time() - began < CEILING_SECONDS
    assert len(found) == 501
    assert found[-1].code == "more-faults"


def test_without_a_list_of_areas_any_well_formed_code_passes(changed):
    assert load(changed("/children/0/area", "E99999999"), today=TODAY).faults == []


def test_a_referral_with_a_dangling_link_is_not_loaded(changed):
    checked = load(changed("/children/0/lives_with/0", "nobody"), today=TODAY)
    assert (checked.referral, checked.defects) == (None, [])


@pytest.mark.parametrize("field", ["ethnicity", "disability", "language", "missing"])
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (GONE, "missing-{}"),
        ({"unknown": "not_asked"}, "{}-not-asked"),
        ({"unknown": "refused"}, "{}-refused"),
        ({"unknown": "not_yet_known"}, "{}-not-yet-known"),
    ],
)
def test_a_gap_is_a_defect_that_keeps_its_reason(full, changed, defects, field, value, code):
    before = set(defects(full))
    document = changed(f"/children/0/{field}", changed.GONE if value is GONE else value)
    name = "status" if field == "missing" else field
    assert set(defects(document)) - before == {(f"/children/0/{field}", code.format(name))}


@pytest.mark.parametrize(
    ("code", "defect"), [("REFU", "ethnicity-refused"), ("NOBT", "ethnicity-not-yet-known")]
)
def test_the_departments_codes_for_a_gap_are_gaps_too(changed, defects, code, defect):
    document = changed("/children/0/ethnicity", {"code": code})
    assert ("/children/0/ethnicity", defect) in defects(document)


@pytest.mark.parametrize(
    ("voice", "code"),
    [
        (GONE, "missing-voice"),
        ({}, "missing-voice"),
        ({"said": " ", "spoken_to_by": "PC Noble"}, "missing-voice"),
        ({"not_asked": "Asleep."}, "voice-not-asked"),
        ({"refused": "Shook her head."}, "voice-refused"),
        ({"refused": "Left the room.", "behaviour": "Cried."}, "voice-refused"),
        ({"unknown": "refused"}, "voice-refused"),
        ({"unknown": "not_asked"}, "voice-not-asked"),
        ({"unknown": "not_yet_known"}, "voice-not-yet-known"),
    ],
)
def test_a_voice_that_is_not_heard_is_a_defect(changed, defects, voice, code):
    document = changed("/children/0/voice", changed.GONE if voice is GONE else voice)
    assert ("/children/0/voice", code) in defects(document)


def test_times_that_cannot_be_right_are_a_defect_and_no_reason_to_refuse(changed, defects):
    document = changed("/times/graded_at", "2026-12-01T00:00:00Z")
    assert ("/times/graded_at", "times-out-of-order") in defects(document)


def test_an_unknown_fact_counts_as_false_and_known_gives_none():
    assert not Unknown.REFUSED
    assert known(Unknown.REFUSED) is None
    assert known("girl") == "girl"


@given(JSON)
def test_any_json_value_is_judged_and_nothing_is_raised(value):
    checked = load(value, today=TODAY, areas=set())
    assert checked.referral is None
    assert all(isinstance(fault, Fault) for fault in checked.faults)
    assert checked.faults


@examples(300)
@given(some.data())
def test_any_value_at_any_place_is_judged_and_nothing_is_raised(full, data):
    place = data.draw(some.sampled_from([at for at in pointers(full) if at]))
    value = data.draw(JSON)
    document = _put(full, place.removeprefix("/").split("/"), value)
    checked = load(document, today=TODAY)
    assert (checked.referral is None) == bool(checked.faults)


def test_every_kind_has_a_schema_and_a_sentence_about_it():
    assert set(kinds()) == set(KINDS)
    for schema in KINDS.values():
        assert type(schema).__doc__
        assert isinstance(schema, Record) or schema.unknown == "exclude"


def _is_object(document, pointer):
    for step in pointer.split("/")[1:]:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return isinstance(document, dict)


def _put(document, way, value):
    if not way:
        return value
    copied = document.copy()
    step = int(way[0]) if isinstance(document, list) else way[0]
    copied[step] = _put(document[step], way[1:], value)
    return copied


HEX = "0123456789abcdef" * 18
HASHES = [
    ("md5", HEX[:32]),
    ("md5", "AAECAwQFBgcICQoLDA0ODw=="),
    ("sha1", HEX[:40].upper()),
    ("sha1", "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"),
    ("sha256", HEX[:64]),
    ("sha512", HEX[:128]),
    ("photodna", HEX[:288]),
    ("photodna", "Ab0_" * 48),
    ("pdq", HEX[:64]),
    ("phash", HEX[:16]),
    ("tmk", "Zm9v" * 20),
    ("other", "12345678"),
]


@pytest.mark.parametrize(("algorithm", "value"), HASHES)
def test_a_hash_has_the_length_of_its_algorithm(changed, faults, algorithm, value):
    document = changed("/online/hashes/0", {"algorithm": algorithm, "value": value})
    assert faults(document) == []
    document = changed("/online/hashes/0", {"algorithm": algorithm, "value": f"{value}0a"})
    wrong = [] if algorithm in {"tmk", "other"} else [("/online/hashes/0/value", "bad-hash")]
    assert faults(document) == wrong


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("SHA-256", f" {HEX[:64]} "),
        ("sha1", f"sha1:{HEX[:40]}"),
        ("MD5", HEX[:32]),
        ("md5", " ".join(HEX[place : place + 2] for place in range(0, 32, 2))),
    ],
)
def test_a_hash_in_another_form_is_read(changed, algorithm, value):
    document = changed("/online/hashes/0", {"algorithm": algorithm, "value": value})
    checked = tolerance.load(document, today=TODAY)
    assert checked.referral.online.hashes[0].value in HEX
    assert {defect.treatment for defect in checked.defects if hasattr(defect, "treatment")} == {
        "read"
    }
