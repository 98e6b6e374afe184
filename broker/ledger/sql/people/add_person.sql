-- Add a person, or give an existing one these rights.
insert into person (id, name, rights, subject, created_at)
values (%(id)s, %(name)s, %(rights)s, %(subject)s, %(now)s)
on conflict (name) do update
set rights = excluded.rights, subject = coalesce(excluded.subject, person.subject),
    disabled_at = null
returning id
