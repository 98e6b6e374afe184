-- End a key that copies are encrypted to, if it has not ended.
update encryption_key set revoked_at = %(now)s where id = %(id)s and revoked_at is null returning id
