-- Write into the history that a part stays with the team that has it, and why.
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.hand_over_refused', referral.publisher, delivery.referral, delivery.id,
       delivery.agency, 'broker',
       jsonb_build_object('to_agency', %(to_agency)s::text, 'because', %(because)s::text)
from delivery join referral on referral.id = delivery.referral
where delivery.id = %(delivery)s
