-- Each agency's part of a referral, with its last answer.
select delivery.id, delivery.agency, delivery.role, delivery.policy_row, delivery.view,
       delivery.state, delivery.attempt,
       nullif(delivery.available_at, %(never)s) as available_at, delivery.clock_start,
       delivery.collect_by, delivery.acknowledge_by, delivery.decide_by, delivery.collected_at,
       delivery.acknowledged_at, delivery.decided_at, delivery.returned_at, delivery.paused_at,
       last.outcome, coalesce(last.reason, delivery.refused_because) as reason, last.note,
       last.given_by as answered_by, delivery.replaces, reason.explanation, delivery.version,
       delivery.kind, delivery.follows, last.views_considered, last.child_told,
       coalesce(made.decisions, '[]'::jsonb) as decisions,
       running_deadlines(delivery.*) as running, paused_milestones(delivery.*) as paused
from delivery
join delivery_reason reason on reason.delivery = delivery.id
left join lateral (
    select outcome, answer.reason, note, given_by, views_considered, child_told
    from answer
    where answer.delivery = delivery.id and answer.stage <> 'collected'
    -- The one that ended it, if any: by what it says, since two gateways' clocks may differ.
    order by answer.stage = 'acknowledged', number desc
    limit 1
) last on true
left join lateral (
    select jsonb_agg(jsonb_build_object('outcome', outcome, 'at', at, 'by', given_by, 'note', note,
                                        'views_considered', views_considered,
                                        'child_told', child_told)
                     order by number) as decisions
    from answer
    where answer.delivery = delivery.id and answer.stage = 'decided'
) made on true
where delivery.referral = %(referral)s
order by delivery.id
