-- Areas that are known later make an unroutable referral due again; its clock's start stays.
with changed as (
    update referral
    set next_attempt_at = %(now)s, attempt = 0
    where id = %(referral)s and state = 'unroutable'
    returning id, publisher
),
known as (
    insert into referral_finding (referral, areas)
    select id, %(areas)s::jsonb from changed
    on conflict (referral) do update set areas = referral_finding.areas || excluded.areas
)
insert into event (at, kind, publisher, referral, actor, data)
select %(now)s, 'referral.areas_given', publisher, id, %(actor)s,
       jsonb_build_object('areas', %(areas)s::jsonb)
from changed
returning referral
