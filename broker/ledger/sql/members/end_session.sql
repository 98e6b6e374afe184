-- Sign out, and tell whether the provider had signed the person in.
update member_session set ended_at = %(now)s
where secret_sha256 = %(secret_sha256)s and ended_at is null
returning exists (select from member_answer answer
                  where answer.secret_sha256 = member_session.secret_sha256) as by_provider
