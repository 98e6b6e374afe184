-- What the reports for inspectors count of a referral, as routing read it: codes, counts and local
-- ids, no names and no texts but that of the unit. Null: rejected, or routed before this column.
alter table referral add column profile jsonb;
comment on column referral.profile is
    'unit, number of children born, what is not known of how many of them, local ids of the missing';
