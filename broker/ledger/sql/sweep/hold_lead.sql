-- Take a lead that is free or has lapsed, or renew the holder's own; one row, so one leader.
insert into lead (name, holder, until)
values (%(name)s, %(holder)s, %(until)s)
on conflict (name) do update
set holder = excluded.holder, until = excluded.until
where lead.holder = excluded.holder or lead.until <= %(now)s
returning name
