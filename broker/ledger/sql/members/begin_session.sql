-- Begin a session for a member whom a provider has identified, once for each of its answers. The first
-- account that comes with the address is the member's; the primary keys decide between two at once.
with known as (
    select member.id
    from member join member_sign_in way on way.organisation = member.organisation
    where member.id = %(member)s and member.disabled_at is null and way.with_provider
),
account as (
    insert into member_account (member, subject, since)
    select id, %(subject)s, %(now)s from known
    on conflict (member) do update
    set subject = excluded.subject,
        since = case when member_account.subject is null then excluded.since
                     else member_account.since end
    where member_account.subject is null or member_account.subject = excluded.subject
    returning member
),
answer as (
    insert into member_answer (answer_sha256, secret_sha256, at)
    select %(answer_sha256)s, %(secret_sha256)s, %(now)s from account
    on conflict (answer_sha256) do nothing
    returning secret_sha256
),
joined as (
    update member set joined_at = coalesce(joined_at, %(now)s)
    from account
    where member.id = account.member
)
insert into member_session (secret_sha256, member, began_at, seen_at, expires_at)
select answer.secret_sha256, account.member, %(now)s, %(now)s, %(expires_at)s
from account cross join answer
returning member
