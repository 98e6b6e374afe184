#!/bin/sh
# Makes the roles of the broker in a new PostgreSQL: the owner of its database, who migrates; the
# application, as which everything else works; and a reader. PostgreSQL's image runs it once, as
# administrator. The passwords are in files of the folder SECRETS, so that no process list shows them.
set -eu
cd "${SECRETS:-/run/secrets}"
exec psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
  --set owner="${BROKER_OWNER_ROLE:-broker_owner}" \
  --set application="${BROKER_APPLICATION_ROLE:-broker_application}" \
  --set reader="${BROKER_READER_ROLE:-broker_reader}" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set owner_password `cat owner`
\set application_password `cat application`
\set reader_password `cat reader`
set log_statement = 'none';
create role :"owner" login password :'owner_password';
create role :"application" login password :'application_password';
create role :"reader" login password :'reader_password';
alter database :"DBNAME" owner to :"owner";
revoke all on database :"DBNAME" from public;
grant connect on database :"DBNAME" to :"application", :"reader";
SQL
