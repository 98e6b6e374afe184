-- Give a person whom a provider has identified the rights that it says now. A new person whose name
-- is taken gets the other name.
insert into person (id, name, rights, subject, created_at)
select %(id)s,
       case when exists (select from person where name = %(name)s) then %(other_name)s
            else %(name)s end,
       %(rights)s, %(subject)s, %(now)s
on conflict (subject) do update set rights = excluded.rights
where person.disabled_at is null
returning id
