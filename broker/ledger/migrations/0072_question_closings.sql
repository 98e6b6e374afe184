-- A question that nobody can answer usefully any more is closed: its agency has no longer what it
-- asked about.
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

-- Why an agency has a delivery no longer; null while it has it. One that was decided stays so, also
-- where a correction takes it back, or another team has it now.
create function delivery_end(delivery delivery, referral referral)
returns text language sql stable parallel safe
return case
    when not stands(referral) or delivery.state = 'recalled' then 'recalled'
    when delivery.state in ('returned', 'handed_over') then delivery.state
    when delivery.sent_on_at is not null then 'handed_over'
    when exists (select from delivery recall
                 where recall.referral = delivery.referral and recall.agency = delivery.agency
                   and recall.policy_row = delivery.policy_row and recall.kind = 'recall'
                   and is_of_office(recall.stands_in_for, delivery.stands_in_for)
                   and recall.id > delivery.id) then 'recalled'
end;
