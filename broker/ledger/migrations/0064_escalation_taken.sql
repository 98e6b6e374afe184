-- run: outside a transaction
-- Whose time is over is found without reading what has ended.
drop index concurrently if exists escalation_taken;
create index concurrently escalation_taken on escalation (taken_until, id)
    where state = 'acknowledged' and taken_until is not null;
