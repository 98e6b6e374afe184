-- Offer to an organisation again; nothing changes when delivery is not suspended.
with ended as (
    update stop
    set ended_at = %(now)s, ended_by = %(by)s
    where organisation = %(agency)s and ended_at is null
    returning organisation
),
action as (
    insert into act (id, at, kind, by, organisation, reason)
    select %(act)s, %(now)s, 'organisation.delivery_resumed', %(by)s, organisation, %(reason)s
    from ended
)
insert into event (at, kind, agency, actor)
select %(now)s, 'organisation.delivery_resumed', organisation, %(by)s from ended
returning id
