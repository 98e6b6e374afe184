-- Change deliveries in place, each only from the state and attempt in which it was judged.
with revised as (
    select *
    from unnest(%(ids)b::uuid[], %(before)b::text[], %(attempts)b::int[], %(states)b::text[],
                %(versions)b::int[], %(policies)b::text[], %(views)b::text[],
                %(available)b::timestamptz[], %(starts)b::timestamptz[],
                %(collect_by)b::timestamptz[], %(acknowledge_by)b::timestamptz[],
                %(decide_by)b::timestamptz[], %(scopes)b::text[], %(explanations)b::text[])
        as row (id, before, attempt, state, version, policy_version, view, available_at,
                clock_start, collect_by, acknowledge_by, decide_by, scope, explanation)
),
changed as (
    update delivery
    set state = revised.state, version = revised.version, view = revised.view,
        policy_version = coalesce(revised.policy_version, delivery.policy_version),
        available_at = revised.available_at, clock_start = revised.clock_start,
        collect_by = revised.collect_by, acknowledge_by = revised.acknowledge_by,
        decide_by = revised.decide_by,
        refused_because = case when revised.state = 'undeliverable'
                               then delivery.refused_because end,
        lease_until = case when revised.state = 'leased' then delivery.lease_until end,
        -- What is pushed is due when it may be offered, unless it is on its way already.
        next_attempt_at = case when revised.state in ('held', 'available')
                               then push_due_at(delivery.channel,
                                                greatest(delivery.next_attempt_at,
                                                         revised.available_at)) end,
        -- The next alarm is worked out anew from the deadlines as they are now.
        next_alarm_at = case when revised.state <> 'recalled' then %(now)s::timestamptz end,
        recalled_at = case when revised.state = 'recalled' then %(now)s::timestamptz end
    from revised
    where delivery.id = revised.id and delivery.state = revised.before
      and delivery.attempt = revised.attempt
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
    returning delivery.id
)
update delivery_reason
set scope = revised.scope::jsonb, explanation = revised.explanation::jsonb
from revised join changed using (id)
where delivery_reason.delivery = revised.id
returning delivery
