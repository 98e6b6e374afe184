"""What support needs to know of a ledger: codes, counts and instants alone."""

from __future__ import annotations

from broker.ledger.database import Part, Row

SERVER_SETTINGS = (
    *("server_version", "server_encoding", "TimeZone", "data_checksums", "lc_collate"),
    *("max_connections", "shared_buffers", "work_mem", "maintenance_work_mem"),
    *("effective_cache_size", "random_page_cost", "jit", "max_wal_size", "wal_level"),
    *("fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names"),
    *("autovacuum", "autovacuum_naptime", "autovacuum_vacuum_scale_factor"),
    *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"),
    *("default_transaction_isolation", "track_commit_timestamp", "ssl", "password_encryption"),
)
"""Of PostgreSQL's, those that matter here; none of them can hold a secret."""


class SupportBundle(Part):
    """Facts of the ledger without content, references, ids or names of people."""

    def server_facts(self) -> list[Row]:
        """Return what PostgreSQL is set to."""
        return self._rows("support_bundle/server_facts", {"names": list(SERVER_SETTINGS)})

    def table_facts(self) -> list[Row]:
        """Return how large each table is."""
        return self._rows("support_bundle/table_facts", {})

    def recent_kinds(self, *, limit: int) -> list[Row]:
        """Return what happened last: when, what kind, of which organisations."""
        return self._rows("support_bundle/recent_kinds", {"limit": limit})

    def referral_states(self) -> list[Row]:
        """Return how many referrals wait, by state and reason."""
        return self._rows("support_bundle/referral_states", {})

    def leads(self) -> list[Row]:
        """Return who leads what and until when; workers that showed themselves are among them."""
        return self._rows("support_bundle/leads", {})
