-- Sign out.
update member_session set ended_at = %(now)s
where secret_sha256 = %(secret_sha256)s and ended_at is null
returning member
