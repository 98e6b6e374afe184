-- Proof that the broker works while nothing happens: the latest test referral, and the latest answer
-- of the monitor outside. Each is one row that is written again, so nothing grows.

create table synthetic_test (
    single boolean primary key default true check (single),
    id uuid not null,
    begun_at timestamptz not null,
    taken_at timestamptz,
    ended_at timestamptz,
    step text check (step in ('read', 'accept', 'route', 'collect', 'acknowledge')),
    code text,
    through_at timestamptz,
    seconds double precision check (seconds >= 0),
    check ((through_at is null) = (seconds is null)),
    check (code is null or ended_at is not null)
) with (fillfactor = 50);

create table outside_ping (
    single boolean primary key default true check (single),
    called_at timestamptz not null,
    code text,
    status int,
    answered_at timestamptz
) with (fillfactor = 50);

comment on table synthetic_test is 'the latest test referral; of its document nothing is kept';
comment on column synthetic_test.taken_at is 'when a worker took it; null while it waits for one';
comment on column synthetic_test.step is 'where the latest one stopped; null where it came through';
comment on column synthetic_test.code is 'why it stopped, as a code';
comment on column synthetic_test.through_at is 'when one last came through, this one or an earlier';
comment on column synthetic_test.seconds is 'how long that one took, from begun_at';
comment on table outside_ping is 'the latest call of the monitor outside, and its answer';
comment on column outside_ping.code is 'why it did not answer well; null where it did';
comment on column outside_ping.status is 'the HTTP status of its answer; null without one';
comment on column outside_ping.answered_at is 'when it last answered well';
