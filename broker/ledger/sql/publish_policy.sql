-- Keep a policy version; a version never changes.
insert into policy (version, sha256, documents, published_at)
values (%(version)s, %(sha256)s, %(documents)s::jsonb, %(now)s)
on conflict (version) do nothing
