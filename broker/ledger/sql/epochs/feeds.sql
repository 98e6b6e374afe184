-- Whether a restore waits to be confirmed, and how many events have no number yet: those whose
-- transactions still run, and those that nobody has looked at.
select exists (select from quarantine) as in_quarantine,
       greatest((select max(id) from event) - last_event, 0)
           + coalesce((select sum(upper(gap.ids) - lower(gap.ids)) from unnest(gaps) as gap (ids)), 0)
           as unnumbered
from feed_position
