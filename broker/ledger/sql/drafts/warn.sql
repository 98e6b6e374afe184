-- Take drafts that expire soon and of which nobody was told: a line for who saved it last and who began
-- it, or, where neither gets email, for each who may send. Each expiry is told of once; one that a save
-- moves is another.
with sending as (
    select id, organisation from member
    where disabled_at is null and gets_mail and 'publish' = any(rights)
),
taken as (
    update draft set warned_of = expires_at
    where id in (
        select id from draft
        where ended_at is null and warned_of is distinct from expires_at
          and expires_at > %(now)s and expires_at <= %(now)s + %(before)s
          and publisher in (select organisation from sending)
        order by expires_at
        limit %(limit)s
        for update skip locked
    )
    returning id, publisher, began_by, saved_by, expires_at
)
select taken.id as draft, taken.publisher, taken.expires_at, sending.id as member
from taken
join sending on sending.organisation = taken.publisher
where sending.id in (taken.began_by, taken.saved_by)
   or not exists (select from sending reached where reached.id in (taken.began_by, taken.saved_by))
order by taken.expires_at, taken.id, sending.id
