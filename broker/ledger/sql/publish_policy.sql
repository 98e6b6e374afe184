-- Keep a policy version, which never changes; an earlier one may be put in force again.
insert into policy (version, sha256, documents, published_at)
values (%(version)s, %(sha256)s, %(documents)s::jsonb, %(now)s)
on conflict (version) do update set published_at = excluded.published_at
