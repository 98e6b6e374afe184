-- A person deals with an escalation for a time, and may ask somebody else to take it over. A version
-- that does not know the columns leaves them empty: what it acknowledges stays acknowledged.
alter table escalation
    add column taken_until timestamptz,
    add column postponed_step_at timestamptz,
    add column offered_to text,
    add column offered_at timestamptz;
comment on column escalation.taken_until is
    'until when somebody deals with it: then people are alerted again; null: until it ends';
comment on column escalation.postponed_step_at is
    'when the step was due that is not taken meanwhile; null: every step had been taken';
comment on column escalation.offered_to is 'who was asked to take it over, and has not yet';
