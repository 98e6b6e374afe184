-- What is due next of a delivery, what is late and what is paused: each rule once, for the list and the
-- page of the inbox, for emails, the API and the pages for ops.

-- The milestone of the next deadline; null where none runs.
create function next_milestone(delivery delivery)
returns text language sql immutable parallel safe
return case next_deadline(delivery)
            when unmet_deadline(delivery, 'collect') then 'collect'
            when unmet_deadline(delivery, 'acknowledge') then 'acknowledge'
            when unmet_deadline(delivery, 'decide') then 'decide' end;

-- Something is asked of an agency still: what is held is not offered yet.
create function is_asked(delivery delivery)
returns boolean language sql immutable parallel safe
return is_open(delivery) and delivery.state <> 'held';

-- The milestones that are asked still and whose clock is paused. One that had passed before runs on.
create function paused_milestones(delivery delivery)
returns text[] language sql immutable parallel safe
return case
    when delivery.paused_at is null or not is_asked(delivery) then '{}'::text[]
    else array_remove(array[
        case when delivery.collected_at is null
                  and unmet_deadline(delivery, 'collect') is null
                  and delivery.collect_by is not null then 'collect' end,
        case when delivery.acknowledged_at is null
                  and unmet_deadline(delivery, 'acknowledge') is null
                  and delivery.acknowledge_by is not null then 'acknowledge' end,
        case when delivery.decided_at is null
                  and unmet_deadline(delivery, 'decide') is null
                  and delivery.decide_by is not null then 'decide' end], null)
    end;

-- Each deadline that runs of what is asked still.
create function running_deadlines(delivery delivery)
returns jsonb language sql stable parallel safe
return case
    when not is_asked(delivery) then '{}'::jsonb
    else jsonb_strip_nulls(jsonb_build_object(
        'collect', unmet_deadline(delivery, 'collect'),
        'acknowledge', unmet_deadline(delivery, 'acknowledge'),
        'decide', unmet_deadline(delivery, 'decide')))
    end;

-- A deadline of what is asked still has passed; null where none runs. Written so that the index of what
-- is open serves.
create function is_late(delivery delivery, at timestamptz)
returns boolean language sql immutable parallel safe
return is_asked(delivery) and next_deadline(delivery) < at;

-- As before, with what is due next, and paused only where a clock of what is to be done is.
create or replace view inbox_delivery as
select delivery.id, delivery.referral, delivery.agency, referral.publisher, referral.reference,
       delivery.kind, delivery.state, delivery.role, referral.effective_grade as grade,
       delivery.available_at, delivery.acknowledge_by, delivery.decide_by,
       next_deadline(delivery) as due_at,
       case when delivery.state = 'acknowledged' then delivery.decide_by is not null
            else delivery.acknowledge_by is null and delivery.decide_by is not null
       end as must_decide,
       delivery.acknowledged_at is not null as is_acknowledged,
       paused_milestones(delivery) <> '{}' as is_paused,
       is_open(delivery) and (delivery.kind = 'recall' or stands(referral.*)) as is_to_do,
       next_milestone(delivery) as milestone
from delivery
join referral on referral.id = delivery.referral
where delivery.state <> 'held'
  and (delivery.kind = 'recall'
       or referral.accepted_at >= (select since from offered_since))
  and (delivery.collected_at is not null
       or not exists (select from suspension
                      where suspension.organisation = delivery.agency));

create or replace view inbox_item as
select item.id, item.referral, item.agency, item.publisher, item.reference, item.kind, item.state,
       item.role, item.grade, item.available_at, item.acknowledge_by, item.decide_by, item.due_at,
       item.must_decide, item.is_acknowledged, item.is_paused, item.is_to_do,
       exists (select from look where look.delivery = item.id) as is_read,
       handled.member as handler, handled.name as handler_name, handled.at as handled_at,
       handled.cover as handler_cover, item.milestone
from inbox_delivery item
left join current_handler handled on handled.delivery = item.id;
