-- What keeps two people who write one draft apart: ids that are never used again, and a time in which
-- nobody saves because somebody is sending. And the email before a draft expires.
alter table draft
    add column last_number int not null default 0,
    add column sending_at timestamptz,
    add column warned_of timestamptz;
comment on column draft.last_number is 'the highest number of the local ids that were given in it';
comment on column draft.sending_at is 'since when somebody is sending it; nobody saves for a moment';
comment on column draft.warned_of is 'the expiry of which those who write it were told by email';
