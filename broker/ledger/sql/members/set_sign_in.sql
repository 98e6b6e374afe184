-- Set how the people of an organisation sign in. The history keeps each change. Links that were sent
-- end with the way of links, and none of them comes back with it.
with chosen as (
    insert into member_sign_in (organisation, with_provider, set_at, set_by)
    select code, %(with_provider)s, %(now)s, %(by)s from organisation
    where code = %(organisation)s
    on conflict (organisation) do update
    set with_provider = excluded.with_provider, set_at = excluded.set_at, set_by = excluded.set_by
    where member_sign_in.with_provider <> excluded.with_provider
    returning organisation, with_provider
),
links as (
    update member_link set expires_at = least(expires_at, %(now)s)
    from chosen join member on member.organisation = chosen.organisation
    where member_link.member = member.id and member_link.used_at is null and chosen.with_provider
)
insert into event (at, kind, agency, actor, data)
select %(now)s, 'organisation.sign_in_set', organisation, %(by)s,
       jsonb_build_object('with_provider', %(with_provider)s::boolean)
from chosen
returning id
