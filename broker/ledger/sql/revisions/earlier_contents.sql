-- The versions of a referral that agencies have.
select content.referral, content.version, content.body
from referral_content content
join (select distinct referral, version
      from delivery
      where referral = any(%(referrals)s::uuid[]) and kind <> 'recall') as issued
    using (referral, version)
