-- What a person settled last about these referrals, by code and place, and the version that it was
-- about, with the body of that version. What holds again since, or was settled because it held no
-- longer, is not among them.
select latest.referral, latest.code, latest.pointer, latest.version, content.body
from (select distinct on (referral, code, pointer)
             referral, code, pointer, version, state, settled_by
      from task
      where referral = any(%(referrals)s::uuid[])
      order by referral, code, pointer, opened_at desc, id desc) as latest
join referral_content content
    on content.referral = latest.referral and content.version = latest.version
where latest.state = 'settled' and latest.settled_by <> %(broker)s
order by latest.referral, latest.code, latest.pointer
