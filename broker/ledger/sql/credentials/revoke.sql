-- End a credential that has not ended.
update credential set revoked_at = %(now)s where id = %(id)s and revoked_at is null returning id
