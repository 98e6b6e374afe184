-- Keep the mobile on which a member wants text messages; null: none any more.
insert into member_mobile (member, number, set_at)
select id, %(number)s, %(now)s from member
where id = %(id)s and organisation = %(organisation)s and disabled_at is null
on conflict (member) do update set number = excluded.number, set_at = excluded.set_at
returning member
