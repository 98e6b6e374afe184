-- What an agency's people ask the police about a delivery, and what the police answer. Only that
-- agency, the publisher and ops read either.
create table question (
    id uuid primary key,
    delivery uuid not null references delivery,
    at timestamptz not null,
    member uuid not null references member,
    asked_by text not null check (length(asked_by) between 1 and 200),
    topic text not null check (length(topic) between 1 and 40),
    text text not null check (length(text) between 1 and 2000)
);
create index question_of_delivery on question (delivery, id);
create trigger question_append_only before update or delete on question
    for each row execute function refuse_change();
create trigger question_never_emptied before truncate on question
    for each statement execute function refuse_change();
comment on column question.asked_by is 'the name that the member had then';

create table question_answer (
    question uuid primary key references question,
    at timestamptz not null,
    given_by text not null check (length(given_by) between 1 and 200),
    text text check (length(text) between 1 and 4000),
    version int check (version > 1),
    check (text is not null or version is not null)
);
create trigger question_answer_append_only before update or delete on question_answer
    for each row execute function refuse_change();
create trigger question_answer_never_emptied before truncate on question_answer
    for each statement execute function refuse_change();
comment on column question_answer.version is 'the correction that answers it';
