"""Part of step 5, answer: parse the receipts that agencies send."""

from __future__ import annotations

from broker.domain.codes import Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, LeaseId
from schemas import documents, requests
from schemas.errors import Unreadable, UnreadableKind


def read_receipts(body: bytes) -> list[Receipt]:
    """Parse the receipts in a body. Raises Unreadable with every fault."""
    loaded = requests.load(requests.RECEIPTS, documents.read(body).value)
    if loaded.value is None:
        raise Unreadable(UnreadableKind.MALFORMED, loaded.faults)
    return as_rows(loaded.value)


def as_rows(receipts: requests.Receipts) -> list[Receipt]:
    """Return receipts as the ledger records them."""
    return [
        Receipt(
            delivery=DeliveryId(receipt.delivery),
            stage=Stage(receipt.stage),
            by=receipt.by,
            lease=LeaseId(receipt.lease) if receipt.lease else None,
            outcome=receipt.outcome,
            reason=receipt.reason,
            note=receipt.note,
            area=receipt.area,
            views_considered=receipt.views_considered,
            child_told=receipt.child_told,
        )
        for receipt in receipts.receipts
    ]
