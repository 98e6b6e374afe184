-- Start, pause, resume or stop a replay, each only from the states where that is legal; the history
-- says who did. The event is about no referral, so that no publisher's feed has it.
with turned as (
    update replay
    set state = %(to)s, reason = coalesce(%(reason)s, reason),
        started_by = case when state = 'planned' and %(to)s = 'running' then %(by)s::text
                          else started_by end,
        turns = turns || jsonb_build_object('at', %(now)s::timestamptz, 'by', %(by)s::text,
                                            'to', %(to)s::text),
        per_minute = coalesce(%(per_minute)s, per_minute),
        started_at = coalesce(started_at, %(now)s),
        stepped_at = case when %(to)s = 'running' then %(now)s::timestamptz else stepped_at end,
        ended_at = case when %(to)s in ('stopped', 'done') then %(now)s::timestamptz end
    where id = %(id)s and state = any(%(from)s)
    returning id, kind, state, agency
)
insert into event (at, kind, agency, actor, data)
select %(now)s, 'organisation.' || kind || '_' || state, agency, %(by)s,
       jsonb_build_object('replay', id)
from turned
returning id
