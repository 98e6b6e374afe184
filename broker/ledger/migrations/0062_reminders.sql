-- Deadlines of which an agency's people were reminded by email, each once; one that moves is another.
create table reminded (
    delivery uuid not null references delivery,
    due_at timestamptz not null,
    at timestamptz not null,
    primary key (delivery, due_at)
);
