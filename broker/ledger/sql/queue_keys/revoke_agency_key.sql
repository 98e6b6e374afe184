-- End an agency's key that has not ended.
update agency_key set revoked_at = %(now)s where id = %(id)s and revoked_at is null returning id
