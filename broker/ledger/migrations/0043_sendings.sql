-- How often a delivery was sent, and how often in a row it could not be: what lies in a queue is sent
-- again ever more rarely, and that the queue was away for a while must not count as sending.

alter table delivery
    add column sendings int not null default 0,
    add column deferrals int not null default 0,
    add column deferred_because text;
comment on column delivery.sendings is 'how often it was sent on a pushed channel';
comment on column delivery.deferrals is 'how often in a row it could not be sent; 0 since it was';
comment on column delivery.deferred_because is 'the code of the last of these; null since it was sent';
