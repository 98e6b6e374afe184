-- Store a one-time link to sign in with; of its secret only the digest.
insert into sign_in_link (secret_sha256, person, created_at, expires_at)
values (%(secret_sha256)s, %(person)s, %(now)s, %(expires_at)s)
