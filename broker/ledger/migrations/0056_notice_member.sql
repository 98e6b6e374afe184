-- Notices to members of an organisation, whose addresses are in the ledger and not in the directory. A
-- version that does not know the column sends them to the contact that the notice names.
alter table notice add column member uuid;
comment on column notice.member is 'the member whom it goes to; null: the contact';
