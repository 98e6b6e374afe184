-- Give whom a provider vouches for the rights that it says now; a name that is taken gets a mark.
insert into person (id, name, rights, subject, created_at)
select %(id)s,
       case when exists (select from person where name = %(name)s) then %(other_name)s
            else %(name)s end,
       %(rights)s, %(subject)s, %(now)s
on conflict (subject) do update set rights = excluded.rights
where person.disabled_at is null
returning id
