-- The results of the lists, the latest day first.
select publisher, day, at, listed, missing, rejected
from reconciliation
where (%(publisher)s::text is null or publisher = %(publisher)s)
  and (%(since)s::date is null
       or (day >= %(since)s and cardinality(missing) + cardinality(rejected) > 0))
order by day desc, publisher
limit %(limit)s
