-- The log lines that workers could not write; no row before the first one.
select coalesce(sum(lines), 0)::bigint as lines
from lines_lost
where process = 'worker'
