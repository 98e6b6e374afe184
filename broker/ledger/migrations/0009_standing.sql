-- Which clocks of a delivery stand while it is paused: what the law sets runs on, and stays in sight.
alter table delivery add column standing text[] not null default '{}';
update delivery
set standing = array(select said ->> 'milestone'
                     from delivery_reason,
                          jsonb_array_elements(explanation -> 'deadlines') as said
                     where delivery_reason.delivery = delivery.id
                       and (said ->> 'may_pause')::boolean)
where paused_at is not null;
alter table delivery add constraint delivery_standing
    check (paused_at is not null or standing = '{}');

-- A deadline that runs, or that had passed before its clock was stopped; null for one that stands.
create function running(due timestamptz, milestone text, standing text[], paused_at timestamptz)
returns timestamptz language sql immutable parallel safe
return case when not milestone = any(standing) or due < paused_at then due end;

comment on column delivery.standing is 'the milestones whose clocks stand since paused_at';
