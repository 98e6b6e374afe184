-- How large each table is, and when it was last tidied; counts are PostgreSQL's estimates.
select relname as name, n_live_tup as rows, n_dead_tup as dead_rows,
       pg_total_relation_size(relid) as bytes, last_vacuum, last_autovacuum, last_analyze,
       last_autoanalyze
from pg_stat_user_tables
where schemaname = 'public'
order by relname
