-- Keep that a member saw the content of a delivery that their organisation may see; return the state
-- that it has.
with item as (
    select item.id, item.state, member.organisation, member.id as member
    from member join inbox_delivery item on item.agency = member.organisation
    where member.id = %(member)s and item.id = %(delivery)s
),
looked as (
    insert into look (id, at, organisation, member, delivery, kind)
    select %(id)s, %(now)s, organisation, member, id, %(kind)s from item
    returning delivery
)
select item.state from looked join item on item.id = looked.delivery
