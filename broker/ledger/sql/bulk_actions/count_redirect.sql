-- Write how far a redirect has come, unless another worker has counted the same deliveries.
update replay
set done = done + %(done)s, failed = failed + %(failed)s,
    looked_at = coalesce(%(looked_at)s, looked_at), stepped_at = %(now)s,
    state = case when state = 'running' and %(looked_at)s::uuid is null then 'done' else state end,
    ended_at = case when state = 'running' and %(looked_at)s::uuid is null
                    then %(now)s::timestamptz else ended_at end
where id = %(id)s and looked_at is not distinct from %(before)s
returning id
