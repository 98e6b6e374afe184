-- Whether a notice that may have waited has anything to tell still: why not, if it has not; whether an
-- agency's people can open now what it is about, and what is due next of that.
select case
    when notice.kind = 'delivery.handed_over' then case
        when not stands(referral.*) or exists (
            select from delivery successor
            where successor.referral = notice.referral and successor.agency = notice.data ->> 'to'
              and notice.delivery in (successor.id, successor.replaces)
              and successor.sent_on_at is not null) then 'ended' end
    when notice.kind in ('delivery.embargo_ending', 'delivery.embargo_long') then case
        when delivery.state <> 'held' then 'ended'
        when delivery.available_at <> notice_due.until then 'moved'
        when notice_due.until <= %(now)s then 'passed' end
    when notice.delivery is not null then case
        when not (delivery.kind = 'recall' or stands(referral.*)) then 'ended'
        -- What was given back waits for ops, who are warned of it, until another agency has it.
        when not is_open(delivery.*)
             and not (delivery.state = 'returned' and delivery.sent_on_at is null
                      and notice.organisation <> delivery.agency) then 'ended'
        when step.met_at is not null then 'met'
        when step.milestone is null then null
        when delivery.state = 'held' and notice.member is null then 'held'
        when unmet_deadline(delivery.*, step.milestone) is null then 'paused'
        when unmet_deadline(delivery.*, step.milestone) <> notice_due.at then 'moved'
        when notice_due.at < %(now)s then 'passed' end
    when draft.id is not null then case
        when draft.ended_at is not null then 'ended'
        when draft.expires_at <> notice_due.at then 'moved'
        when notice_due.at < %(now)s then 'passed' end
    when task.id is not null and task.state <> 'open' then 'settled'
    when task.id is null and referral.state <> 'unroutable' then 'met'
    when task.id is null and referral.attend_by <> notice_due.at then 'moved'
    when notice_due.at < %(now)s then 'passed' end as over_because,
    notice.member is null or item.id is not null or draft.id is not null as is_offered,
    coalesce(item.due_at, draft.expires_at) as due_at, item.milestone
from notice
cross join lateral (select (notice.data ->> 'due_at')::timestamptz as at,
                          (notice.data ->> 'until')::timestamptz as until) notice_due
left join delivery on delivery.id = notice.delivery
left join referral on referral.id = notice.referral
left join task on task.id = (notice.data ->> 'task')::uuid
left join draft on draft.id = (notice.data ->> 'draft')::uuid
left join inbox_delivery item on item.id = notice.delivery and item.agency = notice.organisation
left join lateral (
    select asked.milestone,
           case asked.milestone when 'collect' then delivery.collected_at
                                when 'decide' then delivery.decided_at
                                else delivery.acknowledged_at end as met_at
    from (select case
              -- What arrived is news until somebody has taken it on, whatever its deadline.
              when notice.kind = 'inbox.arrived' then null
              else coalesce(notice.data ->> 'milestone',
                            -- A version of the broker before wrote no milestone.
                            case when (notice.data ->> 'must_decide')::boolean then 'decide'
                                 else 'acknowledge' end) end as milestone) asked
) step on true
where notice.id = %(id)s
