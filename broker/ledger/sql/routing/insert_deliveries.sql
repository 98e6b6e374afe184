-- Write new deliveries with their reasons and an event each; of a referral that does not stand only
-- its recalls. The referrals are locked, so none of them is recalled meanwhile.
with planned as (
    select *
    from unnest(%(referrals)b::uuid[], %(publishers)b::text[], %(ids)b::uuid[],
                %(agencies)b::text[], %(channels)b::text[], %(roles)b::text[], %(rows)b::text[],
                %(views)b::text[], %(states)b::text[], %(available)b::timestamptz[],
                %(starts)b::timestamptz[], %(collect_by)b::timestamptz[],
                %(acknowledge_by)b::timestamptz[], %(decide_by)b::timestamptz[],
                %(alarms)b::timestamptz[], %(scopes)b::text[], %(explanations)b::text[],
                %(versions)b::int[], %(kinds)b::text[], %(follows)b::uuid[], %(replaces)b::uuid[],
                %(policies)b::text[], %(hand_overs)b::timestamptz[], %(offices)b::text[])
        with ordinality
        as row (referral, publisher, id, agency, channel, role, policy_row, view, state,
                available_at, clock_start, collect_by, acknowledge_by, decide_by, next_alarm_at,
                scope, explanation, version, kind, follows, replaces, policy_version, hand_over_at,
                stands_in_for, place)
),
new as (
    select planned.*
    from planned join referral on referral.id = planned.referral
    where planned.kind = 'recall' or stands(referral.*)
),
written as (
    insert into delivery (id, referral, agency, channel, role, policy_row, view, state,
                          available_at, next_attempt_at, clock_start, collect_by, acknowledge_by,
                          decide_by, next_alarm_at, replaces, version, kind, follows,
                          policy_version, hand_over_at, stands_in_for)
    select id, referral, agency, channel, role, policy_row, view, state, available_at,
           push_due_at(channel, available_at), clock_start, collect_by, acknowledge_by,
           decide_by, next_alarm_at, replaces, version, kind, follows,
           policy_version, hand_over_at, stands_in_for
    from new
),
reasons as (
    insert into delivery_reason (delivery, scope, explanation)
    select id, scope::jsonb, explanation::jsonb from new
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.' || state, publisher, referral, id, agency, %(actor)s,
       jsonb_build_object('row', policy_row, 'role', role)
       || case when kind = 'referral' and version = 1 then '{}'::jsonb
               else jsonb_build_object('kind', kind, 'version', version) end
from new
order by place
