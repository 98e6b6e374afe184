"""Names of fields come from the records, and codes are loaded as members of their lists."""

import pytest

from schemas import codes
from schemas.child import Child
from schemas.names import name_of
from schemas.referral import PARTS
from schemas.tolerance import reload


def test_a_field_is_named_by_its_record() -> None:
    assert name_of(Child, lambda child: child.found_area) == "found_area"


def test_a_field_that_is_not_there_fails_where_it_is_named() -> None:
    with pytest.raises(AttributeError, match="Child has no field 'found_in_area'"):
        name_of(Child, lambda child: child.found_in_area)


def test_codes_are_loaded_as_members_of_their_lists(full: dict) -> None:
    referral = reload(full)
    assert isinstance(referral.grade.level, codes.Grade)
    assert isinstance(referral.concern.category, codes.ConcernCategory)
    assert all(isinstance(report.source, codes.ReportSource) for report in referral.online.reports)


def test_what_is_no_referral_is_not_loaded_again(full: dict) -> None:
    with pytest.raises(ValueError, match="required"):
        reload({"schema": full["schema"], "reference": full["reference"]})


def test_every_part_of_a_referral_can_be_shown_but_not_its_envelope(full: dict) -> None:
    assert full.keys() - {"schema", "reference"} <= {*PARTS}
    assert not {"schema", "reference"} & {*PARTS}
