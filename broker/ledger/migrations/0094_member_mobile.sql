-- The mobile on which a member wants to hear of what arrives and is due soon, beside email.
create table member_mobile (
    member uuid primary key references member,
    number text check (number ~ '^\+447[0-9]{9}$'),
    set_at timestamptz not null
);
comment on column member_mobile.number is 'A mobile of the United Kingdom; null: none any more.';
