-- Whom nobody has reached is found without reading the history of notices.

create index notice_of_escalation on notice (escalation) where escalation is not null;
create index notice_open on notice (id) where state in ('due', 'sending', 'failed');
