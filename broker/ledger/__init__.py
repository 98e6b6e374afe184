"""The only place that knows PostgreSQL: the truth about every referral, and the queue of record."""
