-- What this connection's role could do beyond its work: alter tables, or rights themselves.
-- Sound: it reads the server's catalogue alone.
select current_user::text as role, rolsuper as is_superuser,
       pg_has_role(relowner, 'usage') as is_owner,
       has_table_privilege('event', 'update, delete, truncate') as alters_history
from pg_roles cross join pg_class
where rolname = current_user and pg_class.oid = 'event'::regclass
