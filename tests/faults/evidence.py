"""What the checker's rules go by: the journal and the tables, sorted for looking things up."""

from __future__ import annotations

from collections import defaultdict

from tests.faults.journal import HandedIn, Journal
from tests.faults.witness import Ledger, Row


class Evidence:
    """The journal and the tables, sorted for looking things up."""

    def __init__(self, journal: Journal, ledger: Ledger) -> None:
        self.journal = journal
        self.ledger = ledger
        self.referrals = {row["id"]: row for row in ledger.referrals}
        self.deliveries = {row["id"]: row for row in ledger.deliveries}
        self.answers = {(row["delivery"], row["stage"]): row for row in ledger.answers}
        self.of_referral: dict[str, list[Row]] = defaultdict(list)
        for row in ledger.deliveries:
            self.of_referral[row["referral"]].append(row)
        self.receipts: dict[str, HandedIn] = {
            paper.receipt["id"]: paper for paper in journal.handed_in if paper.receipt is not None
        }
        self.papers: dict[tuple[str, str], list[HandedIn]] = defaultdict(list)
        for paper in journal.handed_in:
            self.papers[paper.publisher, paper.reference].append(paper)

    def was_recalled(self, referral: str) -> bool:
        """Tell whether the ledger says of a referral that it was recalled."""
        row = self.referrals.get(referral)
        return row is not None and row["recalled_at"] is not None
