-- Set when a credential ends by itself.
update credential set expires_at = %(at)s where id = %(id)s and revoked_at is null returning id
