-- The account with which a member came from the provider first: no other one is theirs until they are
-- invited again, so whoever is given their address later does not get in.
create table member_account (
    member uuid primary key references member,
    subject text check (length(subject) between 3 and 2500),
    since timestamptz not null
);
comment on column member_account.subject is
    'The issuer and the subject there; null: the next account with the address is theirs.';
-- The answers of the provider that began a session of a member: each can be used once.
create table member_answer (
    answer_sha256 bytea primary key check (octet_length(answer_sha256) = 32),
    secret_sha256 bytea not null unique check (octet_length(secret_sha256) = 32),
    at timestamptz not null
);
comment on column member_answer.secret_sha256 is 'The session that it began.';
