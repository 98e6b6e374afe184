-- What people of a publisher sent with the pages, newest first, and what became of each: codes,
-- instants and counts, no content.
select referral.id, referral.reference, referral.state, referral.version, referral.recalled_at,
       referral.effective_grade, draft.ended_at as sent_at, member.name as sender,
       deliveries.agencies, deliveries.acknowledged, deliveries.late
from draft
join referral on referral.id = draft.referral
left join member on member.id = draft.ended_by
cross join lateral (
    select count(*) as agencies,
           count(*) filter (where delivery.acknowledged_at is not null
                                  or delivery.decided_at is not null) as acknowledged,
           count(*) filter (where is_late(delivery, %(now)s)) as late
    from delivery
    where delivery.referral = referral.id and delivery.kind = 'referral'
          and delivery.state not in ('recalled', 'handed_over')
) deliveries
where draft.publisher = %(publisher)s and draft.ended_because = 'sent' and draft.corrects is null
  and (%(member)s::uuid is null or draft.ended_by = %(member)s or draft.began_by = %(member)s)
order by draft.ended_at desc
limit %(limit)s
