-- Keep a one-time link to sign in by; only the digest of its secret.
insert into sign_in_link (secret_sha256, person, created_at, expires_at)
values (%(secret_sha256)s, %(person)s, %(now)s, %(expires_at)s)
