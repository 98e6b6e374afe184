"""A field that cannot be read costs the field: the referral goes on, and the field is named."""

import copy
import json
from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as some

from schemas import other_names, referral, tolerance
from tests.conftest import examples
from tests.unit.schemas.conftest import AREAS, SAMPLES

TODAY = date(2026, 12, 22)
NOW = datetime(2026, 12, 22, 10, tzinfo=UTC)
FULL = json.loads((SAMPLES / "full.json").read_text(encoding="utf-8"))
GONE = "gone"
NAMES = sorted({*other_names.BESIDE, *" ".join(other_names.OTHER_NAMES.values()).split()})
ENVELOPE = ({"schema"}, {"reference"})
ODD = some.sampled_from(
    ["2026-12-14 20:31:12 UTC", "High", "yes", "https://a.example.org/x.jpg", "x" * 11_000]
)
NAMED = some.sampled_from(NAMES)
"""What stands there stands under this name instead."""
JUNK = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=8) | ODD,
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def paths(value, path=()):
    """Go through the ways to all values of a document, without those that name it."""
    if path and set(path[:1]) not in ENVELOPE:
        yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in items:
            yield from paths(item, (*path, step))


def mutated(changes):
    document = copy.deepcopy(FULL)
    for path, value in changes:
        target = document
        try:
            for step in path[:-1]:
                target = target[step]
            if value == GONE:
                del target[path[-1]]
            elif value in NAMES and isinstance(target, dict):
                target[value] = target.pop(path[-1])
            else:
                target[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    return document


def checked(document):
    return tolerance.load(document, today=TODAY, areas=AREAS, received_at=NOW)


def named(document):
    return [
        (defect.pointer, defect.code, str(defect.treatment))
        for defect in checked(document).defects
        if isinstance(defect, tolerance.Treated)
    ]


@examples(300, suppress_health_check=[HealthCheck.too_slow])
@given(
    some.lists(
        some.tuples(some.sampled_from([*paths(FULL)]), JUNK | some.just(GONE) | NAMED),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_written_in_a_field_the_referral_goes_on(changes):
    document = mutated(changes)
    result = checked(document)
    assert result.referral is not None
    treated = [asdict(defect) for defect in result.defects if isinstance(defect, tolerance.Treated)]
    assert len({defect["pointer"] for defect in treated}) == len(treated)
    assert bool(treated) == bool(result.faults)
    assert tolerance.treated(document, treated, NOW) == result.document
    assert referral.load(result.document, today=TODAY, areas=AREAS).faults == []


def test_what_was_judged_before_other_names_were_read_stays_as_it_was():
    """Its defects name no other names: a child whom nobody judged must not appear."""
    document = {**FULL, "Times": FULL["times"], "victims": FULL["children"]}
    del document["times"], document["children"]
    before = [
        {"pointer": "/victims", "code": "unknown-field", "treatment": "set_aside"},
        {"pointer": "/read_otherwise/shapes", "code": "read-otherwise", "treatment": "read"},
    ]
    shown = tolerance.treated(document, before, NOW)
    assert shown["times"] == FULL["times"]
    assert shown.keys().isdisjoint({"children", "victims"})


@pytest.mark.parametrize(
    ("record", "written", "read"),
    [
        ("", {"victims": FULL["children"], "children": ...}, {"children": FULL["children"]}),
        ("grade", {"risk_level": "high", "level": ...}, {"level": "high"}),
        ("times", {"first_known": "2026-12-15T09:00:00Z", "first_known_at": ...}, {}),
        ("handling", {"doNotTell": ["school"], "do_not_disclose_to": ...}, {}),
    ],
)
def test_a_field_under_another_name_is_read(record, written, read):
    document = copy.deepcopy(FULL)
    part = document[record] if record else document
    part |= written
    for name in [name for name, value in part.items() if value is ...]:
        del part[name]
    assert ("/read_otherwise/names", "read-otherwise", "read") in named(document)
    shown = checked(document).document
    shown = shown[record] if record else shown
    assert shown | read == shown
    assert next(iter(written)) not in shown


@pytest.mark.parametrize(
    ("inner", "postcode"),
    [({}, "ST4 2RW"), ({"PostCode": "ST16 2LH"}, "ST16 2LH")],
)
def test_a_field_beside_its_part_joins_what_is_spelt_otherwise(inner, postcode):
    document = copy.deepcopy(FULL)
    child = document["children"][0]
    del child["address"]
    child |= {"Address": {"Lines": ["1 Invented Road"], **inner}, "postcode": "ST4 2RW"}
    shown = checked(document).document["children"][0]
    assert shown["address"] == {"lines": ["1 Invented Road"], "postcode": postcode}


def test_lines_that_are_spelt_otherwise_are_not_replaced_by_a_town():
    document = copy.deepcopy(FULL)
    document["children"][0]["address"] = {"Lines": ["1 Invented Road"], "town": "Stoke"}
    shown = checked(document).document["children"][0]
    assert shown["address"] == {"lines": ["1 Invented Road"]}


def test_a_valid_document_is_judged_as_it_is():
    result = checked(FULL)
    assert result.document == FULL
    assert (result.faults, named(FULL)) == ([], [])


@pytest.mark.parametrize(
    ("pointer", "value", "expected"),
    [
        ("/children/0/gp", {"practice": "Invented"}, ("/children/0/gp", "unknown-field")),
        ("/children/0/ethnicity/code", "XX", ("/children/0/ethnicity", "unknown-code")),
        ("/children/0/nhs_number", "9434765918", ("", "nhs-number-check-digit")),
        ("/children/0/date_of_birth", "2031-01-01", ("", "date-in-future")),
        ("/children/0/address/postcode", "D02 AF30", ("", "bad-postcode")),
        ("/children/0/area", "E99999999", ("", "unknown-area")),
        ("/online/hashes/0/value", "?", ("/online/hashes/0", "bad-hash")),
    ],
)
def test_what_cannot_be_read_is_set_aside(changed, pointer, value, expected):
    assert named(changed(pointer, value)) == [(expected[0] or pointer, expected[1], "set_aside")]


@pytest.mark.parametrize(
    ("pointer", "value", "read"),
    [
        ("/times/first_known_at", "2026-12-15T09:00Z", "2026-12-15T09:00:00Z"),
        ("/times/first_known_at", "2026-12-14 20:31:12 UTC", "2026-12-14T20:31:12Z"),
        ("/times/first_known_at", "2026-07-14 20:31", "2026-07-14T19:31:00Z"),
        ("/grade/level", "Very High", "very_high"),
        ("/children/0/looked_after", "No", False),
        ("/children/0/language", 7, "7"),
        ("/children/0/aliases", "Bee", ["Bee"]),
        ("/children/0/given_name", "See http://a.example.org/x.png", "See [link removed]"),
    ],
)
def test_another_form_is_read_as_what_it_means(changed, pointer, value, read):
    document = changed(pointer, value)
    assert [(place, how) for place, _, how in named(document)] == [(pointer, "read")]
    shown = checked(document).document
    for step in pointer.split("/")[1:]:
        shown = shown[int(step) if isinstance(shown, list) else step]
    assert (shown, type(shown)) == (read, type(read))


@pytest.mark.parametrize(
    ("pointer", "member", "assumed"),
    [
        ("/grade/level", "grade", {"level": "very_high"}),
        ("/times/first_known_at", "times", {"first_known_at": "2026-12-22T10:00:00Z"}),
        ("/concern/category", "concern", {"category": "other"}),
    ],
)
def test_what_is_needed_and_missing_is_assumed_cautiously(changed, pointer, member, assumed):
    document = changed(pointer, changed.GONE)
    assert named(document) == [(pointer, "required", "assumed")]
    assert assumed.items() <= checked(document).document[member].items()


def test_an_embargo_whose_end_cannot_be_read_still_holds(changed):
    document = changed("/handling/embargo/until", "Wednesday noon")
    assert named(document) == [("/handling/embargo/until", "bad-time", "assumed")]
    assert checked(document).referral.handling.embargo.until > NOW


def test_the_first_500_of_501_hashes_are_kept(changed):
    hashes = [{"algorithm": "md5", "value": f"{number:032x}"} for number in range(501)]
    document = changed("/online/hashes", hashes)
    assert named(document) == [("/online/hashes", "too-long", "shortened")]
    assert len(checked(document).referral.online.hashes) == 500


def test_ids_of_another_form_still_point_at_each_other(full):
    document = json.loads(json.dumps(full).replace('"child-1"', '"Child 1 (eldest)"'))
    result = checked(document)
    first = result.referral.children[0].id
    assert result.referral.persons_posing_risk[0].contact[0].child == first
    assert all(how == "read" for _, _, how in named(document))


def test_a_child_without_an_id_is_kept(changed):
    document = changed("/children/0/id", changed.GONE)
    children = checked(document).referral.children
    assert len(children) == len(FULL["children"])
    assert ("/children/0/id", "required", "assumed") in named(document)


def test_what_is_about_nobody_and_nothing_is_no_referral(full):
    result = checked({"schema": full["schema"], "reference": full["reference"], "children": []})
    assert result.referral is None
    assert "/concern" in [fault.pointer for fault in result.faults]


def test_the_original_is_shown_without_links_and_control_characters(changed):
    document = changed("/children/0/gp", "\x1b[2J see https://a.example.org/x.jpg \u202eend")
    written = tolerance.original(document, "/children/0/gp")
    assert written == "\ufffd[2J see [link removed] \ufffdend"
