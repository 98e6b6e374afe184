-- The latest test referral, and when one last came through.
select begun_at, ended_at, step, code, through_at, seconds from synthetic_test
