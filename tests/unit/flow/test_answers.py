"""What an answer comes to where a restore has lost its delivery, and which areas are known."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
import uuid_utils.compat as ids

from broker.domain.codes import EpochReason, ReceiptResult
from broker.domain.delivery import Settled
from broker.domain.epoch import Epoch
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.states import DeliveryState
from broker.errors import Conflict, Invalid
from broker.flow.answer import _check_areas, _lost_or, _span_part
from broker.policy.routing.facts import WHOLE
from tests.acceptance.conftest import sample

ID = DeliveryId(ids.uuid7())
MADE = datetime.fromtimestamp((ID.int >> 80) / 1000, UTC)
HOUR = timedelta(hours=1)
RESTORE = Epoch(
    "e000000002", EpochReason.RESTORED, MADE + HOUR, "A. Person", 7, MADE - HOUR, None, None
)
SIBLINGS = sample(3)
FIRST = SIBLINGS["children"][0]["id"]
BODY = orjson.dumps(SIBLINGS)
KNOWN = {"E06000021"}


@pytest.mark.parametrize("result", ReceiptResult)
def test_what_a_restore_has_lost_is_not_merely_unknown(result: ReceiptResult) -> None:
    settled = Settled(ID, result)
    lost = ReceiptResult.LOST_IN_RESTORE
    expected = lost if result is ReceiptResult.NOT_FOUND else result
    assert _lost_or([RESTORE], settled).result is expected
    assert _lost_or([], settled) == settled


def test_a_receipt_is_traced_where_its_referral_is_known() -> None:
    agency = OrganisationCode("stoke-csc")
    assert _span_part(agency, Settled(ID, ReceiptResult.NOT_FOUND)) is None
    referral = ReferralId(UUID(int=1))
    settled = Settled(
        ID, ReceiptResult.RECORDED, DeliveryState.ACKNOWLEDGED, MADE, referral=referral
    )
    part = _span_part(agency, settled)
    assert part is not None
    assert part.referral == referral


@pytest.mark.parametrize(
    ("areas", "faults"),
    [
        ({FIRST: "E06000021"}, []),
        ({WHOLE: "E06000021"}, []),
        ({FIRST: "E1"}, ["unknown-area"]),
        ({"nobody": "E06000021"}, ["unknown-person"]),
        ({"nobody": "E1"}, ["unknown-area", "unknown-person"]),
    ],
)
def test_areas_are_given_to_people_of_the_document_or_to_all_of_it(
    areas: dict[str, str], faults: list[str]
) -> None:
    if not faults:
        _check_areas(areas, KNOWN, BODY)
        return
    with pytest.raises(Invalid) as raised:
        _check_areas(areas, KNOWN, BODY)
    assert [fault.code for fault in raised.value.faults] == faults


def test_a_referral_without_a_document_has_nobody_in_it() -> None:
    _check_areas({WHOLE: "E06000021"}, KNOWN, None)
    with pytest.raises(Invalid):
        _check_areas({FIRST: "E06000021"}, KNOWN, None)


def test_what_cannot_be_read_waits_for_no_area() -> None:
    with pytest.raises(Conflict):
        _check_areas({WHOLE: "E06000021"}, KNOWN, b"{}")
