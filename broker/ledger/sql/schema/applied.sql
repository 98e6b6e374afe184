-- Every migration that the ledger has, with the newest file of the oldest code that works with it.
-- Sound: a migration is written here in the transaction that applies it, and never changed.
select name, works_from from migration
