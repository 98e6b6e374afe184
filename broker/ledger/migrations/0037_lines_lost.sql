-- Log lines that workers could not write: they serve no metrics of their own.

create table lines_lost (
    process text primary key,
    lines bigint not null check (lines > 0)
);
comment on table lines_lost is 'log lines that the processes of a kind could not write, since there is a ledger';
