-- Give a member these rights. At least one member keeps the right to administer.
update member set rights = %(rights)s
where id = %(id)s and organisation = %(organisation)s and disabled_at is null
  and ('administer' = any(%(rights)s::text[])
       or exists (select from member other
                  where other.organisation = %(organisation)s and other.id <> %(id)s
                    and other.disabled_at is null and 'administer' = any(other.rights)))
returning id
