-- Write the result of each notice, only while its lease still stands.
with result as (
    select *
    from unnest(%(ids)b::uuid[], %(states)b::text[], %(next)b::timestamptz[], %(codes)b::text[])
        as row (id, state, next_attempt_at, code)
)
update notice
set state = result.state, next_attempt_at = result.next_attempt_at, code = result.code,
    lease_until = null,
    ended_at = case when result.state <> 'due' then %(now)s::timestamptz end
from result
where notice.id = result.id and notice.state = 'sending' and notice.lease = %(lease)s
returning notice.id
