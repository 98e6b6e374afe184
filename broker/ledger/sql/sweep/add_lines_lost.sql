-- Add to a sum that never falls, so that a process that ends takes nothing with it.
insert into lines_lost (process, lines)
values (%(process)s, %(lines)s)
on conflict (process) do update
set lines = lines_lost.lines + excluded.lines
