-- End the outage that runs; alerts about it that were not sent yet have nothing to say any more.
with ended as (
    update outage set ended_at = %(now)s where ended_at is null
    returning id, began_at, missing, alarms
),
void as (
    update notice
    set state = 'void', next_attempt_at = null, ended_at = %(now)s
    from ended
    where notice.state = 'due' and notice.data ->> 'outage' = ended.id::text
)
select id, began_at, missing, alarms from ended
