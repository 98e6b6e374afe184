-- Store a new credential: of its secret only the digest.
insert into credential (id, organisation, scopes, secret_sha256, label, created_at, expires_at,
                        calls_per_second)
values (%(id)s, %(organisation)s, %(scopes)s, %(secret_sha256)s, %(label)s, %(created_at)s,
        %(expires_at)s, %(calls_per_second)s)
