-- Write when it is looked at next whether another team has it; never, where that is null. The rows
-- are locked by their claim.
update delivery
set hand_over_at = kept.again_at
from unnest(%(ids)b::uuid[], %(again)b::timestamptz[]) as kept (id, again_at)
where delivery.id = kept.id and delivery.hand_over_at <= %(now)s
