-- Which transactions are seen now: the same text means that nothing that can be seen has changed.
select pg_current_snapshot()::text as snapshot
