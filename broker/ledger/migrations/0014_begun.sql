-- A referral that kills whoever routes it: attempts that were written down before they began.

alter table referral add column begun smallint not null default 0;
comment on column referral.begun is
    'attempts at routing written down beforehand, of which nothing came; more than one means that '
    'whoever tried it died';
