"""Copies of the product that are wrong on purpose, to see whether the campaign notices."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("broker", "schemas", "workers", "policies", "samples")


@dataclass(frozen=True, slots=True)
class Edit:
    """One place where the copy differs."""

    file: str
    right: str
    wrong: str


_COMMIT = """        try:
            answers = accept(
                self._context, [referral for sub in batch for referral in sub.referrals]
            )
        except Exception as error:
            self._fail(batch, error)
            return
        start = 0
        for submission in batch:
            end = start + len(submission.referrals)
            submission.answers.set_result(answers[start:end])
            start = end
"""
_PROMISE = """        from broker.domain.states import ReferralState
        for sub in batch:
            sub.answers.set_result([
                Accepted(referral.id, referral.reference, referral.digest, ReferralState.ACCEPTED,
                         referral.accepted_at, duplicate=False)
                for referral in sub.referrals
            ])
        with suppress(Exception):
            accept(self._context, [referral for sub in batch for referral in sub.referrals])
"""
COPIES: Mapping[str, Sequence[Edit]] = {
    "no fencing where pushes are settled": [
        Edit(
            "broker/ledger/sql/deliveries/settle_pushes.sql",
            " and standing.lease = attempt.lease\n",
            "\n",
        )
    ],
    "no fencing where answers are settled": [
        Edit(
            "broker/ledger/receipts.py",
            "if receipt.lease is not None and receipt.lease != row",
            "if receipt.lease is None and receipt.lease != row",
        )
    ],
    "wake-up before commit": [
        Edit(
            "broker/flow/accept.py",
            "        answers = context.ledger.referrals.accept(new)\n"
            "        context.hit(ACCEPTED)\n"
            "        context.wakeups.notify(ROUTE)\n",
            "        context.wakeups.notify(ROUTE)\n"
            "        context.hit(ACCEPTED)\n"
            "        answers = context.ledger.referrals.accept(new)\n",
        )
    ],
    "a recall that forgets who has decided": [
        Edit(
            "broker/policy/revision/revise.py",
            "        if thread.last.kind is not DeliveryKind.RECALL:\n",
            "        if thread.last.state is not DeliveryState.DECIDED:\n",
        )
    ],
    "receipt before commit": [Edit("broker/intake/http_intake.py", _COMMIT, _PROMISE)],
}


def copy_of(tree: Path, name: str, into: Path) -> Path:
    """Copy what runs of a tree, with the edits of this name; return where it is."""
    for part in PARTS:
        shutil.copytree(tree / part, into / part, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in COPIES[name]:
        file = into / edit.file
        text = file.read_text(encoding="utf-8")
        if text.count(edit.right) != 1:
            raise AssertionError(f"{edit.file} has changed: bring the edit {name!r} up to date.")
        file.write_text(text.replace(edit.right, edit.wrong), encoding="utf-8")
    return into
