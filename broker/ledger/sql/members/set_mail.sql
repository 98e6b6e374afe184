-- Say whether a member is told by email of what arrives.
update member set gets_mail = %(gets_mail)s
where id = %(id)s and organisation = %(organisation)s and disabled_at is null
returning id
