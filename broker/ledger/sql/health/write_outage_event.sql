-- Write what happened to an outage, and whom it was asked to alert, into the history.
insert into event (at, kind, agency, actor, data)
values (%(now)s, %(kind)s, %(organisation)s, 'broker', %(data)s::jsonb)
