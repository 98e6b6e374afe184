-- The clocks of the processes that have reported within a minute, the furthest apart first.
select process, ahead_seconds, uncertainty_seconds, bound_seconds
from process_clock
where measured_at > clock_timestamp() - interval '1 minute'
order by abs(ahead_seconds) desc, process
