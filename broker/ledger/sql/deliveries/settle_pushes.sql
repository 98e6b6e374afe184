-- Write the results of pushes, each only while its lease is still held.
with attempt as (
    select *
    from unnest(%(ids)b::uuid[], %(leases)b::uuid[], %(results)b::text[],
                %(untils)b::timestamptz[], %(codes)b::text[])
        as row (id, lease, result, until, code)
),
standing as (
    select delivery.id, delivery.state, delivery.lease
    from delivery
    where delivery.id = any(%(ids)b::uuid[])
    order by delivery.id
    for no key update
),
changed as (
    update delivery
    set state = case attempt.result when 'sent' then 'leased' when 'collected' then 'collected'
                                    when 'deferred' then 'available' else 'undeliverable' end,
        collected_at = case attempt.result
            when 'collected' then coalesce(delivery.collected_at, %(now)s::timestamptz)
            else delivery.collected_at end,
        refused_because = case attempt.result when 'refused' then attempt.code end,
        undeliverable_at = case attempt.result when 'refused' then %(now)s::timestamptz
                                               else delivery.undeliverable_at end,
        lease_until = case attempt.result when 'sent' then attempt.until end,
        next_attempt_at = case attempt.result when 'deferred' then attempt.until end,
        sendings = delivery.sendings + case when attempt.result in ('sent', 'collected') then 1
                                            else 0 end,
        deferrals = case attempt.result when 'deferred' then delivery.deferrals + 1 else 0 end,
        deferred_because = case attempt.result when 'deferred' then attempt.code end
    from attempt join standing on standing.id = attempt.id and standing.lease = attempt.lease
    where delivery.id = standing.id and standing.state = 'leased'
      and delivery.state = standing.state and delivery.lease = standing.lease
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
    returning delivery.id, delivery.referral, delivery.agency, delivery.attempt, attempt.result,
              attempt.code
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, 'delivery.' || changed.result, referral.publisher, changed.referral,
           changed.id, changed.agency, %(actor)s,
           jsonb_strip_nulls(jsonb_build_object('attempt', changed.attempt, 'code', changed.code))
    from changed join referral on referral.id = changed.referral
)
select id from changed
