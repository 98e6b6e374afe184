-- Store a policy version, which never changes; an earlier one may be put in force again.
insert into policy (version, sha256, documents, published_at, calendar_sha256, calendar_ends)
values (%(version)s, %(sha256)s, %(documents)s::jsonb, %(now)s, %(calendar_sha256)s,
        %(calendar_ends)s)
on conflict (version) do update
set published_at = excluded.published_at,
    calendar_sha256 = coalesce(policy.calendar_sha256, excluded.calendar_sha256),
    calendar_ends = coalesce(policy.calendar_ends, excluded.calendar_ends)
