"""Commands that open the ledger or read policy files: for administrators."""
