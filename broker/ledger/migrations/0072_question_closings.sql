-- A question is closed when no answer helps any more: its agency no longer has what it asked about.
create table question_closing (
    question uuid primary key references question,
    at timestamptz not null,
    because text not null check (because in ('returned', 'recalled', 'handed_over'))
);
create trigger question_closing_append_only before update or delete on question_closing
    for each row execute function refuse_change();
create trigger question_closing_never_emptied before truncate on question_closing
    for each statement execute function refuse_change();
comment on column question_closing.because is 'how the delivery ended that it is about';

-- How a delivery itself ended: given back, or taken back by its publisher.
create function own_end(delivery delivery)
returns text language sql stable parallel safe
return case
    when delivery.state in ('returned', 'recalled') then delivery.state
    when exists (select from delivery recall
                 where recall.referral = delivery.referral and recall.agency = delivery.agency
                   and recall.policy_row = delivery.policy_row and recall.kind = 'recall'
                   and is_of_office(recall.stands_in_for, delivery.stands_in_for)
                   and recall.id > delivery.id) then 'recalled'
end;

-- Why nobody has a delivery any more; null while somebody has it. One that an office and its team out of
-- hours handed over has ended when the team that has the part now no longer has it. A delivery that was
-- decided and then taken back by a correction keeps its state, so own_end looks for the recall.
create function delivery_end(delivery delivery, referral referral)
returns text language sql stable parallel safe
return case
    when not stands(referral) then 'recalled'
    when own_end(delivery) is not null then own_end(delivery)
    when delivery.sent_on_at is not null or delivery.state = 'handed_over' then (
        select case when count(*) = 0 then 'handed_over'
                    when bool_and(own_end(has) is not null) then max(own_end(has)) end
        from delivery has
        where has.referral = delivery.referral and has.sent_on_at is null
          and took_over(has, delivery))
end;
