-- Set how the people of an organisation sign in. The history keeps each change.
with chosen as (
    insert into member_sign_in (organisation, with_provider, set_at, set_by)
    select code, %(with_provider)s, %(now)s, %(by)s from organisation
    where code = %(organisation)s
    on conflict (organisation) do update
    set with_provider = excluded.with_provider, set_at = excluded.set_at, set_by = excluded.set_by
    where member_sign_in.with_provider <> excluded.with_provider
    returning organisation
)
insert into event (at, kind, agency, actor, data)
select %(now)s, 'organisation.sign_in_set', organisation, %(by)s,
       jsonb_build_object('with_provider', %(with_provider)s::boolean)
from chosen
returning id
