-- People by name or by the subject that a provider knows them by, or all of them.
select id, name, rights, subject, created_at, disabled_at
from person
where (%(name)s::text is null or name = %(name)s)
  and (%(subject)s::text is null or subject = %(subject)s)
order by name
