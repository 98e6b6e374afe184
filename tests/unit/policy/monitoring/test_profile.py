"""What is counted of a referral, from documents as they are handed in."""

from datetime import date
from typing import Any

import pytest

from broker.policy.monitoring.profile import LONGEST_UNIT, Profile, profile
from schemas import tolerance
from tests.acceptance.conftest import sample

TODAY = date(2026, 12, 18)
KNOWN = {
    **{"date_of_birth": "2014-03-02", "sex": "female"},
    **{"ethnicity": {"code": "WBRI"}, "disability": [], "language": "English"},
    **{"missing": {"status": "not_missing"}, "voice": {"said": "I do not want to go home."}},
}


def profiled(children: list[dict[str, Any]], **referrer: Any) -> Profile:
    document = sample(1)
    document["children"] = [
        {"id": f"c{number}", "area": "E06000021", **child} for number, child in enumerate(children)
    ]
    document["referrer"] = {**document["referrer"], **referrer}
    checked = tolerance.load(document, today=TODAY)
    assert checked.referral is not None
    return profile(checked.referral, checked.defects)


def test_a_child_of_whom_all_is_known_lacks_nothing() -> None:
    counted = profiled([KNOWN], unit="Online team")
    assert counted == Profile(unit="Online team", children=1, lacks={}, missing=[])


@pytest.mark.parametrize(
    ("field", "value", "fact", "reason"),
    [
        ("date_of_birth", {"unknown": "refused"}, "age", "refused"),
        ("date_of_birth", None, "age", "not_mentioned"),
        ("sex", {"unknown": "not_asked"}, "sex", "not_asked"),
        ("sex", "unknown", "sex", "not_yet_known"),
        ("sex", None, "sex", "not_mentioned"),
        ("ethnicity", {"unknown": "refused"}, "ethnicity", "refused"),
        ("ethnicity", {"code": "REFU"}, "ethnicity", "refused"),
        ("ethnicity", {"code": "NOBT"}, "ethnicity", "not_yet_known"),
        ("ethnicity", {"code": "no such code"}, "ethnicity", "unreadable"),
        ("date_of_birth", "the third of May", "age", "unreadable"),
        ("sex", "no such code", "sex", "unreadable"),
        ("disability", {"unknown": "not_yet_known"}, "disability", "not_yet_known"),
        ("language", None, "language", "not_mentioned"),
        ("missing", None, "status", "not_mentioned"),
        ("voice", {"not_asked": "Asleep in hospital."}, "voice", "not_asked"),
        ("voice", {"refused": "Shook her head."}, "voice", "refused"),
        ("voice", {"refused": "Left.", "demeanour": "Angry."}, "voice", "refused"),
        ("voice", {"unknown": "refused"}, "voice", "refused"),
        ("voice", {"unknown": "not_asked"}, "voice", "not_asked"),
        ("voice", {"unknown": "not_yet_known"}, "voice", "not_yet_known"),
        ("voice", {"unknown": "no such reason"}, "voice", "unreadable"),
        ("voice", {"said": "N/A"}, "voice", "not_mentioned"),
        ("voice", None, "voice", "not_mentioned"),
    ],
)
def test_what_is_not_known_of_a_child_is_counted_with_the_reason(
    field: str, value: Any, fact: str, reason: str
) -> None:
    child = {name: known for name, known in (KNOWN | {field: value}).items() if known is not None}
    counted = profiled([KNOWN, child])
    assert counted.children == 2
    assert counted.lacks == {fact: {reason: 1}}


def test_an_estimate_is_an_age() -> None:
    child = {name: value for name, value in KNOWN.items() if name != "date_of_birth"}
    assert profiled([child | {"approximate_age": 9}]).lacks == {}


def test_a_child_who_is_not_born_yet_is_not_counted() -> None:
    counted = profiled([{"expected_date_of_birth": "2027-03-01"}])
    assert (counted.children, counted.lacks) == (0, {})


def test_missing_children_are_kept_by_their_local_ids() -> None:
    missing = KNOWN | {"missing": {"status": "missing"}}
    absent = KNOWN | {"missing": {"status": "absent"}}
    assert profiled([KNOWN, missing, absent]).missing == ["c1", "c2"]


def test_a_unit_is_one_short_line() -> None:
    assert profiled([KNOWN], unit=" Online \n  team\u202e").unit.startswith("Online team")
    assert "\u202e" not in profiled([KNOWN], unit="Online\u202e").unit
    assert len(profiled([KNOWN], unit="u" * 200).unit) == LONGEST_UNIT
