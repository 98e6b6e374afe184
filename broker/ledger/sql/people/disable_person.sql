-- End a person's access and every session of theirs.
with gone as (
    update person set disabled_at = %(now)s
    where name = %(name)s and disabled_at is null
    returning id
),
sessions as (
    update session set ended_at = %(now)s
    from gone
    where session.person = gone.id and session.ended_at is null
)
select id from gone
