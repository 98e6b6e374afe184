-- Write what came of notices, each only while its lease still stands; a failed one is told to ops.
with told as (
    select *
    from unnest(%(ids)b::uuid[], %(states)b::text[], %(next)b::timestamptz[], %(codes)b::text[])
        as row (id, state, next_attempt_at, code)
)
update notice
set state = told.state, next_attempt_at = told.next_attempt_at, code = told.code,
    lease_until = null,
    ended_at = case when told.state <> 'due' then %(now)s::timestamptz end
from told
where notice.id = told.id and notice.state = 'sending' and notice.lease = %(lease)s
returning notice.id
