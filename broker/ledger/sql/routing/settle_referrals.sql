-- Write one decision a referral. A decision without a state postpones it: it is due again later.
with decided as (
    select *
    from unnest(%(ids)b::uuid[], %(state)b::text[], %(kind)b::text[], %(grade)b::text[],
                %(effective_grade)b::text[], %(first_known_at)b::timestamptz[],
                %(policy_version)b::text[], %(directory_version)b::text[], %(reason)b::text[],
                %(attend_by)b::timestamptz[], %(next_alarm_at)b::timestamptz[],
                %(next_attempt_at)b::timestamptz[],
                %(faults)b::text[], %(defects)b::text[], %(warnings)b::text[], %(profile)b::text[],
                %(data)b::text[])
        as row (id, state, kind, grade, effective_grade, first_known_at, policy_version,
                directory_version, reason, attend_by, next_alarm_at, next_attempt_at, faults, defects,
                warnings, profile, data)
),
changed as (
    update referral
    set state = coalesce(decided.state, referral.state),
        routed_at = case when decided.state = 'routed'
                         then coalesce(referral.routed_at, %(now)s::timestamptz)
                         else referral.routed_at end,
        closed_at = case when decided.state = 'closed' then %(now)s::timestamptz end,
        attempt = referral.attempt + 1,
        begun = 0,
        next_attempt_at = decided.next_attempt_at,
        grade = coalesce(decided.grade, referral.grade),
        effective_grade = coalesce(decided.effective_grade, referral.effective_grade),
        first_known_at = coalesce(decided.first_known_at, referral.first_known_at),
        policy_version = coalesce(decided.policy_version, referral.policy_version),
        directory_version = coalesce(decided.directory_version, referral.directory_version),
        profile = coalesce(decided.profile::jsonb, referral.profile),
        reason = case when decided.state is null then referral.reason else decided.reason end,
        -- The deadline to find an area counts from the first time that one was missing.
        attend_by = case when decided.state in ('routed', 'closed') then null
                         when decided.state = 'rejected' then decided.attend_by
                         else coalesce(referral.attend_by, decided.attend_by) end,
        next_alarm_at = case when decided.state in ('routed', 'rejected', 'closed') then null
                             else coalesce(referral.next_alarm_at, decided.next_alarm_at) end
    from decided
    where referral.id = decided.id
      -- Only what was never judged can be rejected, and a routed one is judged again when it is due.
      and (referral.state = 'accepted'
           or (referral.state = 'unroutable' and decided.state is distinct from 'rejected')
           or (referral.state = 'routed' and referral.next_attempt_at is not null
               and decided.state is distinct from 'rejected'))
    returning referral.id, referral.publisher
),
findings as (
    insert into referral_finding (referral, faults, defects, warnings)
    select id, coalesce(faults, '[]')::jsonb, coalesce(defects, '[]')::jsonb,
           coalesce(warnings, '[]')::jsonb
    from decided join changed using (id)
    where coalesce(faults, defects, warnings) is not null
       or (policy_version is not null
           and exists (select from referral_finding earlier where earlier.referral = id))
    on conflict (referral) do update
    set faults = excluded.faults, defects = excluded.defects, warnings = excluded.warnings
)
insert into event (at, kind, publisher, referral, actor, data)
select %(now)s, decided.kind, changed.publisher, id, %(actor)s, decided.data::jsonb
from decided join changed using (id)
order by id
returning referral
