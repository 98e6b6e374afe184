"""What is exported says the same as what is loaded."""

import json

import jsonschema
import pytest

from schemas.catalogue import KINDS
from schemas.export import component, components, json_schema, kinds
from schemas.requests import AREAS, RECEIPTS, REROUTE, load

REFERRAL = jsonschema.Draft202012Validator(json_schema("referral"))
ID = "01977f2e-0000-7000-8000-000000000001"
NOW = "2026-12-18T16:50:00+00:00"
FAULT = {"pointer": "/a", "code": "required", "message": "This field is needed."}
ACKNOWLEDGED = {"delivery": ID, "stage": "acknowledged", "by": "A. Worker"}
DEADLINES = {"collect_by": None, "acknowledge_by": NOW, "decide_by": NOW}
RECEIPT = {
    **{"id": ID, "reference": "R/1", "state": "accepted", "accepted_at": NOW, "digest": "00"},
    **{"duplicate": False, "version": 1, "links": {"self": "/v1/referrals/x", "timeline": "/v1/x"}},
}
PROBLEM = {
    **{"type": "about:blank", "title": "No", "status": 400, "detail": "No.", "instance": "x"},
    **{"code": "invalid", "errors": [FAULT], "next_step": "Mend it.", "retryable": False},
}
EXAMPLES = {
    "receipt": RECEIPT,
    "problem": PROBLEM,
    "bulk-line": {"line": 1, "status": 202, "receipt": RECEIPT},
    "event": {
        **{"cursor": "1", "at": NOW, "kind": "referral.accepted", "referral": ID},
        **{"reference": "R/1", "delivery": None, "agency": None, "data": {}},
    },
    "delivery": {
        **{"delivery": ID, "referral": ID, "reference": "R/1", "publisher": "p", "agency": "a"},
        **{"kind": "correction", "version": 2, "latest_version": 2, "follows": ID},
        **{"changed": ["children"], "recall_reason": None, "handed_over": {}},
        "recalls": [],
        **{"state": "leased", "attempt": 1, "lease": {"id": ID, "until": NOW}, "handling": {}},
        **{"role": "lead", "view": "v", "why": "Because.", "grade": "low"},
        **{"effective_grade": "very_high", "accepted_at": NOW, "available_at": NOW},
        **{
            "deadlines": DEADLINES,
            "deadline_words": {},
            "asks": {},
            "defects": [FAULT],
            "warnings": [],
        },
        "content": {},
    },
}


def validator(kind):
    return jsonschema.Draft202012Validator(
        json_schema(kind), format_checker=jsonschema.FormatChecker()
    )


@pytest.mark.parametrize("kind", kinds())
def test_each_kind_is_exported_as_a_sound_and_self_contained_schema(kind):
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "#/components" not in json.dumps(schema)
    assert schema["description"]


@pytest.mark.filterwarnings("error")
def test_no_two_schemas_have_one_name():
    assert len(components()) > 60


def test_every_reference_among_the_components_leads_somewhere():
    exported = components()
    text = json.dumps(exported)
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(exported)
    assert {component(kind) for kind in KINDS} <= set(exported)


def test_requests_are_closed_and_answers_are_open():
    exported = components()
    assert exported["Referral"]["additionalProperties"] is False
    assert exported["Child"]["additionalProperties"] is False
    assert "additionalProperties" not in exported["Receipt"]


def test_bounds_words_and_reasons_are_exported():
    child = components()["Child"]["properties"]
    assert child["given_name"]["maxLength"] == 200
    assert child["area"]["pattern"] == r"^ *[EWSNLMewsnlm][0-9]{8} *$"
    assert "WBRI" in components()["Ethnicity"]["properties"]["code"]["enum"]
    assert {"$ref": "#/components/schemas/Unknown"} in child["ethnicity"]["anyOf"]
    assert components()["Reroute"]["oneOf"]


def test_null_is_written_as_openapi_3_1_writes_it():
    status = components()["DeliveryStatus"]["properties"]
    assert status["collected_at"]["type"] == ["string", "null"]
    assert None in status["outcome"]["enum"]
    lease = components()["Delivery"]["properties"]["lease"]
    assert {"type": "null"} in lease["anyOf"]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_answer_as_the_contract_has_it_fits_its_schema(kind):
    assert list(validator(kind).iter_errors(EXAMPLES[kind])) == []


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_answer_with_a_part_missing_does_not_fit(kind):
    needed = json_schema(kind)["required"]
    for name in needed:
        short = {key: value for key, value in EXAMPLES[kind].items() if key != name}
        assert not validator(kind).is_valid(short)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/schema", "referral/2"),
        ("/zzz", 1),
        ("/children/0/zzz", 1),
        ("/children/0/area", "Stoke"),
        ("/children/0/ethnicity/code", "XXXX"),
        ("/children/0/ethnicity", {"unknown": "lost"}),
        ("/children/0/nhs_number", "123"),
        ("/children/0/given_name", None),
        ("/children/0/voice/not_asked", "No time."),
        ("/children", [{"id": f"c{n}"} for n in range(201)]),
        ("/referrer/name", " "),
        ("/referrer", {"name": "DC Ashgrove", "role": "Constable"}),
        ("/times/first_known_at", "2026-12-21 08:30"),
        ("/online/ip_events/0/port", 70_000),
        ("/handling/parents_informed/informed", "no"),
    ],
)
def test_what_the_exported_schema_refuses_loading_refuses_too(changed, faults, pointer, value):
    document = changed(pointer, value)
    assert not REFERRAL.is_valid(document)
    assert faults(document) != []


def test_the_full_sample_fits(full, faults):
    assert list(REFERRAL.iter_errors(full)) == []
    assert faults(full) == []


@pytest.mark.parametrize(
    ("schema", "kind", "value"),
    [
        (RECEIPTS, "receipts", {"receipts": [ACKNOWLEDGED]}),
        (RECEIPTS, "receipts", {"receipts": [ACKNOWLEDGED | {"stage": "decided"}]}),
        (RECEIPTS, "receipts", {"receipts": [ACKNOWLEDGED | {"outcome": "advice"}]}),
        (RECEIPTS, "receipts", {"receipts": []}),
        (REROUTE, "reroute", {}),
        (REROUTE, "reroute", {"area": "E06000021"}),
        (REROUTE, "reroute", {"area": "E06000021", "agency": "stoke-csc"}),
        (AREAS, "areas", {"areas": {"child-1": "E06000021"}}),
        (AREAS, "areas", {"areas": {"Child 1": "E06000021"}}),
        (AREAS, "areas", {"areas": {}}),
    ],
)
def test_a_request_is_judged_alike_by_both(schema, kind, value):
    assert validator(kind).is_valid(value) == (load(schema, value).faults == [])
