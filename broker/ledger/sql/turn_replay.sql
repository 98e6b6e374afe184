-- Start, pause, go on with or stop a replay, each only from where that is a step.
update replay
set state = %(to)s, reason = coalesce(%(reason)s, reason),
    started_by = coalesce(started_by, %(by)s),
    started_at = coalesce(started_at, %(now)s),
    stepped_at = case when %(to)s = 'running' then %(now)s::timestamptz else stepped_at end,
    ended_at = case when %(to)s in ('stopped', 'done') then %(now)s::timestamptz end
where id = %(id)s and state = any(%(from)s)
returning id
