-- When the queue of receipts was last seen empty.
select at from receipts_drained
