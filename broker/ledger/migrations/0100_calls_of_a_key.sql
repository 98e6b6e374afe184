-- How many calls a second a key may make. Earlier versions write none, and ask for none.
alter table credential add column calls_per_second integer;
comment on column credential.calls_per_second is 'null: as many as any key may make';
alter table credential add constraint credential_calls_per_second
    check (calls_per_second between 1 and 2000) not valid;
