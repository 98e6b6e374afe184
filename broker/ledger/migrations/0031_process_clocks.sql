-- How far the clock of each process's host is from this server's, as each gateway and worker reports
-- it every few seconds. A process beyond its bound neither leads nor accepts.
create table process_clock (
    process text primary key,
    ahead_seconds double precision not null,
    uncertainty_seconds double precision not null check (uncertainty_seconds >= 0),
    bound_seconds double precision not null check (bound_seconds > 0),
    measured_at timestamptz not null
);
