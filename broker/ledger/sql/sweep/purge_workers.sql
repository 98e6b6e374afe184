-- Delete workers that have not reported for a day.
delete from lead
where starts_with(name, 'worker ') and until < %(now)s::timestamptz - interval '1 day'
