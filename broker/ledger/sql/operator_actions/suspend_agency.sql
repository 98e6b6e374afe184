-- Offer nothing to an organisation until delivery is resumed; the unique index allows one suspension.
with begun as (
    insert into stop (id, organisation, reason, began_at, began_by)
    select %(act)s, code, %(reason)s, %(now)s, %(by)s from organisation where code = %(agency)s
    on conflict (organisation) where ended_at is null do nothing
    returning organisation
),
action as (
    insert into act (id, at, kind, by, organisation, reason)
    select %(act)s, %(now)s, 'organisation.delivery_paused', %(by)s, organisation, %(reason)s
    from begun
)
insert into event (at, kind, agency, actor)
select %(now)s, 'organisation.delivery_paused', organisation, %(by)s from begun
returning id
