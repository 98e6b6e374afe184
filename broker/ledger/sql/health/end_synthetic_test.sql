-- Write what became of a test referral, unless a newer one has its row.
update synthetic_test
set ended_at = %(now)s, step = %(step)s, code = %(code)s,
    through_at = case when %(step)s::text is null then %(now)s else through_at end,
    seconds = case when %(step)s::text is null
                   then greatest(extract(epoch from %(now)s::timestamptz - begun_at), 0)
                   else seconds end
where id = %(id)s and ended_at is null
