-- Silence, repeated low grades for one child, and the lists that publishers compare.

-- Who was there, when last, and how often an hour. Written by every process every few seconds.
create table presence (
    organisation text not null references organisation,
    activity text not null check (activity in ('sent', 'polled', 'collected', 'answered')),
    last_at timestamptz not null,
    primary key (organisation, activity)
) with (fillfactor = 70);

create table traffic (
    activity text not null check (activity in ('sent', 'polled', 'collected', 'answered')),
    hour timestamptz not null,
    organisation text not null references organisation,
    count int not null check (count > 0),
    primary key (activity, hour, organisation)
) with (fillfactor = 70);

-- Why the ladder of a silence is climbed.
create table silence (
    escalation uuid primary key references escalation,
    activity text not null check (activity in ('sending', 'collecting')),
    reason text not null check (reason in ('policy', 'deadline', 'learned', 'dropped')),
    last_at timestamptz,
    counted int,
    expected real
);

-- A child in a referral whose grade is counted: keyed hashes of identifiers, never the identifiers.
create table child_mark (
    mark bytea not null check (octet_length(mark) = 32),
    at timestamptz not null,
    referral uuid not null references referral,
    child text not null,
    grade text not null,
    primary key (mark, at, referral, child)
);
create index child_mark_by_time on child_mark (at);

-- Whoever counts a mark holds its row until the commit, and takes it away again: between
-- transactions this table is empty, so a crash may empty it too.
create unlogged table mark_turn (
    mark bytea primary key
);

-- The force's own crime or occurrence reference, in capitals and without blanks.
alter table referral add column occurrence text;
update referral
set occurrence = upper(regexp_replace(
        convert_from(content.body, 'UTF8')::jsonb #>> '{referrer,occurrence_reference}', '\s', '', 'g'))
from referral_content content
where content.referral = referral.id
  and jsonb_typeof(convert_from(content.body, 'UTF8')::jsonb #> '{referrer,occurrence_reference}')
      = 'string'
  and length(convert_from(content.body, 'UTF8')::jsonb #>> '{referrer,occurrence_reference}') <= 100;
create index referral_by_occurrence on referral (publisher, occurrence)
    where occurrence is not null;

-- What a publisher's list of a day held that no referral was made of; the last word of each day.
create table reconciliation (
    publisher text not null references organisation,
    day date not null,
    at timestamptz not null,
    listed int not null check (listed >= 0),
    missing text[] not null,
    rejected text[] not null,
    primary key (publisher, day)
);
create index reconciliation_unreferred on reconciliation (day)
    where cardinality(missing) + cardinality(rejected) > 0;

comment on table traffic is 'counts an hour, kept for some weeks: what is usual is learned from it';
comment on column child_mark.at is 'when the referral was accepted; purged after the window';
comment on column child_mark.child is 'the child''s local id in that referral';
comment on column silence.expected is 'how many there should have been by what was learned';
