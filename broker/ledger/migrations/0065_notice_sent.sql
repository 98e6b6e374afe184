-- run: outside a transaction
-- That alerts were sent within a day, and when the last one was, without reading the history of notices.
drop index concurrently if exists notice_sent;
create index concurrently notice_sent on notice (ended_at) where state = 'sent';
