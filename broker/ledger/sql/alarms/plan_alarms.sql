-- Write when each subject's next alarm is due; the rows are locked by their claim.
with planned as (
    select *
    from unnest(%(ids)b::uuid[], %(next)b::timestamptz[]) as row (id, next_alarm_at)
),
deliveries as (
    update delivery
    set next_alarm_at = planned.next_alarm_at
    from planned
    where delivery.id = planned.id and delivery.next_alarm_at <= %(now)s
),
tasks as (
    update task
    set next_alarm_at = planned.next_alarm_at
    from planned
    where task.id = planned.id and task.next_alarm_at <= %(now)s
)
update referral
set next_alarm_at = planned.next_alarm_at
from planned
where referral.id = planned.id and referral.next_alarm_at <= %(now)s
