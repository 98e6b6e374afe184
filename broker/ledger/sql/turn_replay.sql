-- Start, pause, go on with or stop a replay, each only from where that is a step.
update replay
set state = %(to)s, reason = coalesce(%(reason)s, reason),
    started_by = case when state = 'planned' and %(to)s = 'running' then %(by)s::text
                      else started_by end,
    turns = turns || jsonb_build_object('at', %(now)s::timestamptz, 'by', %(by)s::text,
                                        'to', %(to)s::text),
    started_at = coalesce(started_at, %(now)s),
    stepped_at = case when %(to)s = 'running' then %(now)s::timestamptz else stepped_at end,
    ended_at = case when %(to)s in ('stopped', 'done') then %(now)s::timestamptz end
where id = %(id)s and state = any(%(from)s)
returning id
