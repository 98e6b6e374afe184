"""Part of step 5, answer: parse the receipts that agencies send."""

from __future__ import annotations

from broker.domain.codes import Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, LeaseId
from schemas import documents, requests
from schemas.errors import Unreadable, UnreadableKind

_NEEDED = frozenset({"delivery", "stage", "by", "outcome", "reason", "lease"})
"""What a receipt says; everything else adds to it."""


def read_each(body: bytes) -> tuple[list[Receipt], int]:
    """Parse what can be read of the receipts in a body; return how many could not as they are.

    A value that only adds to a receipt costs itself, and any other that receipt alone. Raises
    Unreadable, with every fault, when nothing can be read.
    """
    value = documents.read(body).value
    loaded = requests.load(requests.RECEIPTS, value)
    if loaded.value is not None:
        return as_rows(loaded.value), 0
    written = value.get("receipts")
    each = [_read_alone(receipt) for receipt in written] if isinstance(written, list) else []
    receipts = [receipt for alone, _ in each for receipt in alone]
    if not receipts:
        raise Unreadable(UnreadableKind.MALFORMED, loaded.faults)
    return receipts, sum(not is_whole for _, is_whole in each)


def _read_alone(written: object) -> tuple[list[Receipt], bool]:
    """Return one receipt, where it can be read, and whether nothing of it was left out."""
    loaded = requests.load(requests.RECEIPTS, {"receipts": [written]})
    if loaded.value is not None:
        return as_rows(loaded.value), True
    if isinstance(written, dict):
        unread = {fault.pointer.removeprefix("/receipts/0/") for fault in loaded.faults}
        rest = {name: value for name, value in written.items() if name not in unread - _NEEDED}
        loaded = requests.load(requests.RECEIPTS, {"receipts": [rest]})
    return as_rows(loaded.value) if loaded.value is not None else [], False


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
