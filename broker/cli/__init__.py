"""The command line (docs/cli.md), by what a command talks to.

``http/`` calls the gateway, ``database/`` opens the ledger, ``files/`` reads a policy's files,
``run/`` starts a process of the broker. What they share lies beside them.
"""
