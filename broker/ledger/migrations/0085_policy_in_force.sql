-- run: outside a transaction
-- Each process asks twice a second which version is in force, and every change of the directory is one.
drop index concurrently if exists policy_in_force;
create index concurrently policy_in_force on policy (published_at desc, version desc);
