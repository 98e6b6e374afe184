-- Let keys of the broker's own end at an instant, unless they end before.
update signing_key
set retired_at = %(at)s
where id = any(%(ids)s::text[]) and (retired_at is null or retired_at > %(at)s)
returning id
