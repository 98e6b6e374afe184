-- The latest call of the monitor outside.
select called_at, code, status, answered_at from outside_ping
