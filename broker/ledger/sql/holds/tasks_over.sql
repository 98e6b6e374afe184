-- The open task that asks what becomes of a held delivery, unless another delivery is held for the
-- same cause about which nobody has decided since the task was opened.
select task.id
from delivery
join delivery_reason reason on reason.delivery = delivery.id
join task on task.referral = delivery.referral and task.state = 'open'
         and task.code = reason.explanation #>> '{hold,code}'
where delivery.id = %(delivery)s
  and not exists (
      select
      from delivery other
      join delivery_reason cause on cause.delivery = other.id
      where other.referral = delivery.referral and other.id <> delivery.id and other.state = 'held'
        and cause.explanation #>> '{hold,code}' = task.code
        and not exists (
            select
            from act
            where act.delivery = other.id and act.at >= task.opened_at
              and act.kind in ('delivery.hold_kept', 'delivery.hold_extended')))
order by task.id
