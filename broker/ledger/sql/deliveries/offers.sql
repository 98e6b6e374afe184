-- Deliveries with everything that is needed to render what their agencies may see. That a referral is
-- linked to another is told to an agency that has both.
select delivery.id, delivery.referral, referral.reference, referral.publisher, delivery.agency,
       delivery.channel, delivery.state, delivery.attempt, delivery.sendings, delivery.deferrals,
       delivery.lease, delivery.lease_until,
       delivery.role, delivery.policy_row, delivery.view, reason.scope, referral.grade,
       referral.effective_grade,
       coalesce(delivery.policy_version, referral.policy_version) as policy_version,
       delivery.version,
       case
           when delivery.version = referral.version then delivery.version
           -- That of another agency's correction is not for this one to know.
           else (select max(own.version) from delivery own
                 where own.referral = delivery.referral and own.agency = delivery.agency)
       end as latest_version, delivery.kind, delivery.follows,
       stands(referral.*) as stands,
       referral.accepted_at,
       delivery.available_at, delivery.clock_start, delivery.collect_by, delivery.acknowledge_by,
       delivery.decide_by, delivery.collected_at, delivery.acknowledged_at, delivery.decided_at,
       reason.explanation, coalesce(finding.defects, '[]'::jsonb) as defects,
       case
           when finding.warnings @> '[{"code": "linked-referral"}]'
                and not exists (select
                                from referral_link link
                                join delivery also on also.referral = link.other
                                where link.referral = delivery.referral
                                  and also.agency = delivery.agency)
               then (select coalesce(jsonb_agg(warning order by place), '[]')
                     from jsonb_array_elements(finding.warnings) with ordinality
                         as each (warning, place)
                     where warning ->> 'code' <> 'linked-referral')
           else coalesce(finding.warnings, '[]'::jsonb)
       end as warnings,
       coalesce(finding.areas, '{}'::jsonb) as areas, content.body, delivery.stands_in_for
from delivery
join referral on referral.id = delivery.referral
join referral_content content
    on content.referral = delivery.referral and content.version = delivery.version
join delivery_reason reason on reason.delivery = delivery.id
left join referral_finding finding on finding.referral = delivery.referral
where delivery.id = any(%(ids)s::uuid[])
order by delivery.acknowledge_by nulls last, delivery.id
