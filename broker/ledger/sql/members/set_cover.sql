-- Name who looks after what a member deals with while they are away; null ends it.
update member set cover = %(cover)s
where id = %(id)s and organisation = %(organisation)s and disabled_at is null
  and (%(cover)s::uuid is null
       or exists (select from member other
                  where other.id = %(cover)s and other.organisation = %(organisation)s
                    and other.id <> %(id)s and other.disabled_at is null))
returning id
