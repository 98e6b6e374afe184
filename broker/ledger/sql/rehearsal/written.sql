-- What this transaction has written into the history, in order. Others may write at the same time:
-- their events have another transaction's id.
select kind, referral, delivery, agency, data
from event
where id > %(after)s and transaction = pg_current_xact_id()
order by id
