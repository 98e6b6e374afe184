-- run: outside a transaction
-- Each new version of a referral asks what was settled about it, which no index of open tasks finds.
drop index concurrently if exists task_of_referral;
create index concurrently task_of_referral on task (referral) where referral is not null;
