-- The open tasks of these referrals that no longer hold: those that are not among the ones given,
-- nor of a code that this decision does not judge.
select task.id
from task
where task.referral = any(%(judged)s::uuid[]) and task.state = 'open'
  and task.code <> all(%(unjudged)s::text[])
  and not exists (
      select
      from unnest(%(referrals)b::uuid[], %(codes)b::text[], %(pointers)b::text[])
          as wanted (referral, code, pointer)
      where wanted.referral = task.referral and wanted.code = task.code
        and wanted.pointer = task.pointer)
order by task.id
