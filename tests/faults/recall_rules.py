"""What must hold of a recall, whatever was done at the same time; a part of the checker."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.evidence import Evidence

UNFINISHED = {"held", "available", "leased", "collected", "acknowledged", "undeliverable"}
"""What a recall ends at once."""


def recalls_hold(seen: Evidence) -> Iterator[str]:
    """What was recalled stays so, is offered by no gateway any more, and nothing of it is open."""
    recalled: dict[str, float] = {}
    for recall in seen.journal.recalled:
        if recall.status == 202:
            first = recalled.get(recall.referral, recall.told_at)
            recalled[recall.referral] = min(first, recall.told_at)
    for id_ in recalled:
        if not seen.was_recalled(id_):
            yield f"referral {id_} was recalled, and the ledger does not say so"
    for offer in seen.journal.offered:
        told_at = recalled.get(offer.referral)
        if told_at is not None and offer.by == "mailbox" and offer.asked_at > told_at:
            after = offer.asked_at - told_at
            yield f"delivery {offer.delivery} was offered {after:.2f} s after its recall"
    for row in seen.ledger.deliveries:
        if (
            seen.was_recalled(row["referral"])
            and row["kind"] != "recall"
            and row["state"] in UNFINISHED
        ):
            yield f"delivery {row['id']} of a recalled referral is {row['state']}"


def who_had_it_destroys_it(seen: Evidence) -> Iterator[str]:
    """Each agency that was offered something of what was recalled is asked to destroy it."""
    asked = {(order.agency, order.referral) for order in seen.journal.destroyed}
    had = {(offer.agency, offer.referral) for offer in seen.journal.offered}
    for agency, referral in sorted(had - asked):
        if seen.was_recalled(referral):
            yield f"{agency} had {referral}, which was recalled, and was not asked to destroy it"
