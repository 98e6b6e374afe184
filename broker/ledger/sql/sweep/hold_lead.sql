-- Take a lead that is free or has lapsed, or renew the holder's own; one row, so one leader. One that
-- would last longer than any that is given was taken by a clock that was wrong, and holds nobody up.
insert into lead (name, holder, until)
values (%(name)s, %(holder)s, %(until)s)
on conflict (name) do update
set holder = excluded.holder, until = excluded.until
where lead.holder = excluded.holder or lead.until <= %(now)s
   or lead.until > %(now)s::timestamptz + 2 * (%(until)s::timestamptz - %(now)s) + interval '1 minute'
returning name
