"""Commands that read files of a policy alone: they need no gateway, no ledger and no key."""
