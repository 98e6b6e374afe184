"""What the gateway makes of the ledger's rows fits the schemas that are published."""

import json
from datetime import UTC, datetime
from uuid import UUID

import jsonschema
import orjson
import pytest

from broker.domain.codes import Milestone, ReceiptResult, Role
from broker.domain.delivery import (
    DeliveryStatus,
    OpenWork,
    Settled,
)
from broker.domain.event import Event
from broker.domain.health import Signals
from broker.domain.ids import OrganisationCode, ReferralId, TaskId
from broker.domain.referral import (
    Accepted,
    Recalled,
    ReferralStatus,
    Refusal,
    Waiting,
)
from broker.domain.states import DeliveryState, ReferralState
from broker.domain.task import OpenTask
from broker.errors import Fault as BrokerFault
from broker.errors import Invalid
from broker.gateway import responses
from broker.gateway.problems import problem
from broker.ledger.activity import OpenSilence
from broker.ledger.reconciliations import Reconciled
from broker.policy.monitoring.health import judge
from schemas.export import json_schema

ID = UUID("01977f2e-0000-7000-8000-000000000001")
NOW = datetime(2026, 12, 18, 16, 50, tzinfo=UTC)
FAULT = {"pointer": "/a", "code": "missing-voice", "message": "Nothing says so."}
DELIVERY = DeliveryStatus(
    id=ID,
    agency="stoke-csc",
    role=Role.LEAD,
    row="child-area",
    view="social-care",
    state=DeliveryState.DECIDED,
    attempt=1,
    available_at=NOW,
    clock_start=NOW,
    due={Milestone.ACKNOWLEDGE: NOW},
    met={Milestone.COLLECT: NOW},
    outcome="assessment",
    reason=None,
    note=None,
    answered_by="A. Worker",
    replaces=None,
    explanation={},
    returned_at=None,
    paused_at=None,
)
STATUS = ReferralStatus(
    id=ID,
    publisher="staffordshire-police",
    reference="R/1",
    state=ReferralState.ROUTED,
    digest=b"\0" * 32,
    accepted_at=NOW,
    routed_at=NOW,
    closed_at=None,
    grade="low",
    effective_grade="very_high",
    policy_version="1",
    directory_version="1",
    reason=None,
    attend_by=None,
    faults=[],
    defects=[FAULT],
    warnings=[],
    deliveries=[DELIVERY],
)
WAITING = Waiting(
    kind="unroutable",
    referral=ID,
    reference="R/1",
    publisher="p",
    delivery=None,
    agency=None,
    reason="no_area",
    since=NOW,
    due_at=NOW,
    effective_grade="high",
)
TASK = OpenTask(
    id=TaskId(UUID(int=5)),
    code="no-recipient",
    pointer="/children/0",
    message="Nobody was told.",
    referral=ReferralId(UUID(int=1)),
    reference="OCC/1",
    publisher=OrganisationCode("staffordshire-police"),
    since=NOW,
    due_at=NOW,
    effective_grade="high",
    state="routed",
)
REFUSAL = Refusal(publisher="p", digest=b"\0", size=9, reason="data-uri", at=NOW)
SILENCE = OpenSilence(ID, "a", "collecting", "policy", NOW, None, None, None, None)
RECONCILED = Reconciled("p", NOW.date(), NOW, 2, ("x",), ())
HEALTH = judge(Signals(at=NOW, ledger=True, late=2, unrouted=1))
ORGANISATION_EVENT = Event("1", NOW, "organisation.silent", None, None, None, "a", "broker", {})
DEPTH = OpenWork(
    agency="a",
    held=0,
    available=1,
    leased=0,
    collected=0,
    acknowledged=0,
    undeliverable=0,
    oldest_claimable_at=NOW,
    oldest_unacknowledged_at=None,
    next_due_at=NOW,
    overdue=0,
)
EVENT = Event(
    cursor="1",
    at=NOW,
    kind="referral.accepted",
    referral=ID,
    reference="R/1",
    delivery=None,
    agency=None,
    actor="key:x",
    data={},
)
ACCEPTED = Accepted(
    id=ID,
    reference="R/1",
    digest=b"\0",
    state=ReferralState.ACCEPTED,
    accepted_at=NOW,
    duplicate=False,
)
RECALLED = Recalled(
    id=ID,
    reference="R/1",
    state=ReferralState.ROUTED,
    recalled_at=NOW,
    reason="wrong_person",
    duplicate=False,
)
INVALID = Invalid("No.", faults=[BrokerFault("/a", "required", "This field is needed.")])


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("receipt", responses.receipt(ACCEPTED)),
        ("status", responses.status(STATUS, {}, now=NOW)),
        ("event", responses.event(EVENT)),
        ("event", responses.event(ORGANISATION_EVENT)),
        ("reconciled", responses.reconciled(RECONCILED)),
        ("queue", responses.queue(DEPTH)),
        (
            "attention",
            {
                "health": responses.health(HEALTH),
                **responses.attention([WAITING], [TASK], [REFUSAL], [SILENCE], [RECONCILED], None),
            },
        ),
        ("refusals", {"refusals": [responses.refusal(REFUSAL)]}),
        ("receipt-results", {"results": [responses.settled(Settled(ID, ReceiptResult.NOT_FOUND))]}),
        ("problem", problem(INVALID, "x")),
        ("recalled", responses.recalled(RECALLED)),
        ("bulk-line", {"line": 1, "status": 422, "problem": problem(INVALID, "x")}),
    ],
)
def test_an_answer_fits_and_does_not_with_a_part_missing(kind, answer):
    validator = jsonschema.Draft202012Validator(
        json_schema(kind), format_checker=jsonschema.FormatChecker()
    )
    sent = json.loads(orjson.dumps(answer))
    assert [error.message for error in validator.iter_errors(sent)] == []
    needed = json_schema(kind)["required"]
    assert not validator.is_valid({name: sent[name] for name in needed[1:]})
