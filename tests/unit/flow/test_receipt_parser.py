"""What can be read of receipts is read: a value that only adds to one costs itself alone."""

import json
from typing import Any
from uuid import UUID

import pytest

from broker.domain.codes import Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, LeaseId
from broker.flow.receipt_parser import read_each
from schemas.errors import Unreadable

ID, LEASE = (UUID(int=number, version=4) for number in (1, 2))
ACKNOWLEDGED = {"delivery": str(ID), "stage": "acknowledged", "by": "Mo"}
READ = Receipt(DeliveryId(ID), Stage.ACKNOWLEDGED, "Mo")


def read(*written: Any) -> tuple[list[Receipt], int]:
    return read_each(json.dumps({"receipts": written}).encode())


def test_receipts_that_are_right_are_read_as_they_are() -> None:
    note = {**ACKNOWLEDGED, "lease": str(LEASE), "note": "Seen."}
    (plain, noted), left_out = read(ACKNOWLEDGED, note)
    assert (plain, left_out) == (READ, 0)
    assert (noted.lease, noted.note) == (LeaseId(LEASE), "Seen.")


@pytest.mark.parametrize(
    "wrong",
    [
        {"note": 7},
        {"note": "x" * 10_000},
        {"area": 7},
        {"unknown": 1},
        {"note": 7, "area": []},
    ],
)
def test_a_value_that_only_adds_costs_itself(wrong: dict[str, Any]) -> None:
    assert read({**ACKNOWLEDGED, **wrong}) == ([READ], 1)
    assert read(ACKNOWLEDGED, {**ACKNOWLEDGED, **wrong}) == ([READ, READ], 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {**ACKNOWLEDGED, "stage": "seen"},
        {**ACKNOWLEDGED, "delivery": "x"},
        {**ACKNOWLEDGED, "by": 7},
        {**ACKNOWLEDGED, "lease": "x"},
        {**ACKNOWLEDGED, "stage": "decided", "outcome": "x"},
        "acknowledged",
        None,
    ],
)
def test_a_receipt_without_what_it_needs_is_left_out_alone(wrong: Any) -> None:
    assert read(ACKNOWLEDGED, wrong, ACKNOWLEDGED) == ([READ, READ], 1)
    with pytest.raises(Unreadable) as caught:
        read(wrong)
    assert [fault.pointer.split("/")[:3] for fault in caught.value.faults] == [
        ["", "receipts", "0"]
    ]


@pytest.mark.parametrize("body", [b'{"receipts": "x"}', b'{"receipts": []}', b"{}", b"x"])
def test_a_body_without_receipts_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        read_each(body)
    assert caught.value.faults or body == b"x"
