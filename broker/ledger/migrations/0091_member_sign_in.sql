-- How the people of an organisation sign in to its inbox. Without a row they use links by email.
create table member_sign_in (
    organisation text primary key references organisation,
    with_provider boolean not null,
    set_at timestamptz not null,
    set_by text not null
);
comment on column member_sign_in.with_provider is
    'Whether they sign in with the OpenID provider, and no link is taken.';
comment on column member_sign_in.set_by is 'A member as member: and their id, or a person of ops.';
