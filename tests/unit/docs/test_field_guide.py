"""Every field of the referral is explained: meaning, codes with labels, and who sees it."""

from __future__ import annotations

import re

import pytest

from docs.generators import field_guide
from docs.generators.field_guide import Field
from schemas import export
from schemas.fields import ENUM_DESCRIPTIONS

FIELDS = {field.name: field for field in field_guide.fields()}
PAGE = field_guide.page()


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_every_field_says_what_it_means_and_who_sees_it(field: Field) -> None:
    assert re.fullmatch(r"[A-Z0-9].+\.", field.meaning), "describe the field in schemas/"
    assert field.seen_by
    assert f"`{field.name}`\n\n{field.meaning}" in PAGE


def test_every_code_of_the_referral_has_a_label_and_no_label_lacks_its_code() -> None:
    def check(value: object) -> int:
        if isinstance(value, list):
            return sum(map(check, value))
        if not isinstance(value, dict):
            return 0
        if "enum" in value:
            assert list(value[ENUM_DESCRIPTIONS]) == value["enum"]
        return sum(map(check, value.values())) + ("enum" in value)

    assert check(export.json_schema("referral")) > 20


def test_who_sees_a_field_is_what_the_policy_says() -> None:
    assert FIELDS["children[].upn"].seen_by == "social care, placing authority, school"
    assert "national" not in FIELDS["children[].given_name"].seen_by
    assert FIELDS["online.hashes[].value"].seen_by == "force, national"
    assert FIELDS["handling.instructions"].seen_by == "every view"
    assert FIELDS["persons_posing_risk[].sex"].seen_by == (
        "social care, probation, force; of a person under 18: social care"
    )


def test_a_field_says_its_type_bounds_and_an_example() -> None:
    age = FIELDS["children[].approximate_age"]
    assert (age.kind, age.required, age.example) == ("whole number, from 0, to 25", False, "11")
    assert FIELDS["children[].sex"].kind == "code, may be unknown"
    assert FIELDS["children[].area"].kind == "text, form `^ *[EWSNLMewsnlm][0-9]{8} *$`"
    assert FIELDS["grade.level"].required


def test_fields_have_anchors_of_their_own() -> None:
    anchors = re.findall(r"^\((field-[a-z0-9-]+)\)=$", PAGE, re.MULTILINE)
    assert len(anchors) == len(set(anchors)) == len(FIELDS)
