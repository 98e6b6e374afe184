"""Commands that open the ledger: for ops and administrators."""
