-- What PostgreSQL is set to, of what matters here: names from a list, so that no secret can be among them.
select name, setting, unit, source
from pg_settings
where name = any(%(names)s::text[])
order by name
