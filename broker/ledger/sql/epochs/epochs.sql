-- Every epoch of the ledger, the first one first.
select id, reason, began_at, began_by, last_number, restored_to, confirmed_at, confirmed_by
from epoch
order by place
