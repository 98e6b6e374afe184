-- Sign out, and return whether the session began with a provider's answer.
update session set ended_at = %(now)s
where secret_sha256 = %(secret_sha256)s and ended_at is null
returning answer_sha256 is not null as by_provider
