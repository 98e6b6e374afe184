"""Receipts as agencies write them, and as the ledger records them."""

from __future__ import annotations

from broker.domain.codes import Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, LeaseId
from schemas import documents, requests
from schemas.errors import Kind, Unreadable


def read_receipts(body: bytes) -> list[Receipt]:
    """Return the receipts in a body. Raises Unreadable with every fault."""
    loaded = requests.load(requests.RECEIPTS, documents.read(body).value)
    if loaded.value is None:
        raise Unreadable(Kind.MALFORMED, loaded.faults)
    return as_rows(loaded.value)


def as_rows(receipts: requests.Receipts) -> list[Receipt]:
    """Return receipts as the ledger takes them."""
    return [
        Receipt(
            delivery=DeliveryId(one.delivery),
            stage=Stage(one.stage),
            by=one.by,
            lease=LeaseId(one.lease) if one.lease else None,
            outcome=one.outcome,
            reason=one.reason,
            note=one.note,
            area=one.area,
        )
        for one in receipts.receipts
    ]
