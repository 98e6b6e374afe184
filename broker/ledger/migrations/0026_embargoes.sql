-- When somebody was last told that a delivery is held, so that each word is said once: before the
-- embargo ends, and again for each four weeks that it lasts.
alter table delivery add column hold_warned_at timestamptz;
comment on column delivery.hold_warned_at is
    'when its publisher was last told that an embargo ends, or that one lasts long';
