-- A part of a referral changes hands when an office closes or opens: the team out of hours takes on
-- what nobody has acknowledged, and the office gets back what was done meanwhile. The chain has one
-- owner, and one clock.

alter table delivery
    add column hand_over_at timestamptz,
    add column stands_in_for text references organisation;
comment on column delivery.hand_over_at is
    'when it is next looked at whether another team has it from then on; null: never';
comment on column delivery.stands_in_for is
    'the closed office whose part its team out of hours has; the office gets it when it opens';
create index delivery_hand_over on delivery (hand_over_at, id) where hand_over_at is not null;

alter table delivery drop constraint delivery_state_check;
alter table delivery add constraint delivery_state_check
    check (state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'decided',
                     'returned', 'undeliverable', 'recalled', 'handed_over'));
alter table delivery add constraint delivery_handed_over
    check (state <> 'handed_over' or returned_at is not null);
comment on column delivery.returned_at is
    'when it left its agency: the agency gave it back, or another team took over';

-- As in 0010: a deadline that comes after the hand-over is its successor's.
create or replace function owed(due timestamptz, met_at timestamptz, milestone text, state text,
                                ended_at timestamptz, standing text[], paused_at timestamptz)
returns boolean language sql immutable parallel safe
return due is not null
       and (met_at is not null
            or running(due, milestone, standing, paused_at) is not null
               and (state not in ('returned', 'recalled', 'handed_over') or ended_at is null
                    or ended_at > due));

drop index delivery_late_to_collect;
create index delivery_late_to_collect on delivery (collect_by)
    where collected_at > collect_by
       or collected_at is null and state in ('returned', 'recalled', 'handed_over');
drop index delivery_late_to_acknowledge;
create index delivery_late_to_acknowledge on delivery (acknowledge_by)
    where acknowledged_at > acknowledge_by
       or acknowledged_at is null and state in ('returned', 'recalled', 'handed_over');
drop index delivery_late_to_decide;
create index delivery_late_to_decide on delivery (decide_by)
    where decided_at > decide_by
       or decided_at is null and state in ('returned', 'recalled', 'handed_over');
