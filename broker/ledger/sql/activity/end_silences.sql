-- End alarms about silence that have not ended; nobody further is alerted.
with ended as (
    update escalation
    set state = 'ended', ended_at = %(now)s, ended_because = end_of.because, next_step_at = null
    from unnest(%(ids)b::uuid[], %(because)b::text[]) as end_of (id, because)
    where escalation.id = end_of.id and escalation.state in ('open', 'acknowledged')
      and escalation.milestone = 'silence'
    returning escalation.id, escalation.organisation, escalation.began_at, end_of.because
)
insert into event (at, kind, publisher, agency, actor, data)
select %(now)s, 'organisation.heard',
       case when exists (select from credential
                         where credential.organisation = ended.organisation
                           and 'publish' = any(scopes)) then ended.organisation end,
       case silence.activity when 'collecting' then ended.organisation end, %(actor)s,
       jsonb_build_object('organisation', ended.organisation, 'activity', silence.activity,
                          'because', ended.because, 'silent_since', ended.began_at)
from ended join silence on silence.escalation = ended.id
order by ended.organisation
returning id
