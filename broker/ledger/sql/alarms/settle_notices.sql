-- Write the result of each notice, only while its lease still stands, with the event that proves it.
-- When no notice of an escalation's latest step reached anybody, the next step is due at once.
with result as (
    select *
    from unnest(%(ids)b::uuid[], %(states)b::text[], %(next)b::timestamptz[], %(codes)b::text[])
        as row (id, state, next_attempt_at, code)
),
settled as (
    update notice
    set state = result.state, next_attempt_at = result.next_attempt_at,
        -- One that was put back untried keeps why it was tried again before.
        code = case when result.state = 'due' then coalesce(result.code, notice.code)
                    else result.code end,
        lease_until = null,
        -- Waiting until it is offered, or until others were sent, is no attempt: a suspension may
        -- last longer than all of them.
        attempt = notice.attempt - (result.state = 'due' and coalesce(result.code, %(not_offered)s)
                                        = %(not_offered)s)::int,
        ended_at = case when result.state <> 'due' then %(now)s::timestamptz end
    from result
    where notice.id = result.id and notice.state = 'sending' and notice.lease = %(lease)s
    returning notice.*
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s,
           case when settled.delivery is not null then 'delivery.'
                when settled.referral is not null then 'referral.' else 'organisation.' end
               || 'notice_' || case settled.state when 'void' then 'dropped' else settled.state end,
           coalesce(referral.publisher, task.publisher), settled.referral, settled.delivery,
           coalesce(delivery.agency, settled.data ->> 'agency', settled.organisation), 'broker',
           jsonb_strip_nulls(jsonb_build_object(
               'notice', settled.id, 'organisation', settled.organisation,
               'contact', settled.contact, 'channel', settled.channel, 'code', settled.code,
               'attempts', settled.attempt, 'escalation', settled.escalation,
               'step', settled.data -> 'step'))
    from settled
    left join referral on referral.id = settled.referral
    left join delivery on delivery.id = settled.delivery
    left join task on task.id = (settled.data ->> 'task')::uuid
    where settled.state <> 'due'
    order by settled.id
),
unheard as (
    select distinct settled.escalation, (settled.data ->> 'step')::int as step
    from settled
    where settled.state = 'failed' and settled.escalation is not null
      and not exists (
          select
          from notice as other left join result on result.id = other.id
          where other.escalation = settled.escalation
            and other.data -> 'step' = settled.data -> 'step'
            and coalesce(result.state, other.state) <> 'failed'
      )
),
hurried as (
    update escalation
    set next_step_at = %(now)s
    from unheard
    where escalation.id = unheard.escalation and escalation.step = unheard.step
      and escalation.state = 'open' and escalation.next_step_at > %(now)s
)
select id from settled
