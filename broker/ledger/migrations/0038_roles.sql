-- Two roles beside the owner, who alone migrates. The application's may neither change history nor
-- the tables; the reader's sees codes, states and instants, and neither content nor a secret, a
-- person's name or words that somebody wrote. `broker migrate` grants after each file, in the same
-- transaction, so that what a file makes can be used at once. Null: there is no such role.

create function grant_roles(application text, reader text) returns void language plpgsql as $$
declare
    relation record;
    permission text;
begin
    for relation in
        select quote_ident(nspname) || '.' || quote_ident(relname) as name, relname, relkind,
               -- What a trigger keeps from being changed can be written once and read.
               exists (select from pg_trigger
                       where tgrelid = pg_class.oid and tgfoid = 'refuse_change'::regproc)
                   as is_history
        from pg_class
        join pg_namespace on pg_namespace.oid = relnamespace
        where nspname = current_schema() and relkind in ('r', 'p', 'v')
    loop
        permission := case
            when relation.relkind = 'v' or relation.relname = 'migration' then 'select'
            when relation.is_history then 'select, insert'
            -- What is counted, or forgotten after a time. Everything else stays.
            when relation.relname in (
                'child_mark', 'latency', 'latency_delta', 'lead', 'link_mark', 'mark_turn',
                'process_clock', 'process_report', 'promise', 'promise_delta', 'receipt_message',
                'reconciliation', 'traffic'
            ) then 'select, insert, update, delete'
            else 'select, insert, update'
        end;
        if application is not null then
            execute format('revoke all on %s from %I', relation.name, application);
            execute format('grant %s on %s to %I', permission, relation.name, application);
        end if;
        if reader is not null then
            execute format('revoke all on %s from %I', relation.name, reader);
        end if;
    end loop;
    if application is not null then
        execute format('grant usage on schema %I to %I', current_schema(), application);
        execute format('grant usage on all sequences in schema %I to %I', current_schema(),
                       application);
    end if;
    if reader is not null then
        execute format('grant usage on schema %I to %I', current_schema(), reader);
        perform grant_reading(reader);
    end if;
end
$$;

create function grant_reading(reader text) returns void language plpgsql as $$
declare
    readable record;
begin
    for readable in
        select * from (values
            ('migration', 'name, sha256, applied_at, works_from'),
            ('organisation', 'code, name, kind, channel'),
            ('policy', 'version, sha256, published_at, calendar_sha256, calendar_ends'),
            ('channel', 'name, is_push'),
            ('referral', 'id, publisher, state, accepted_at, routed_at, closed_at, attempt,'
                ' next_attempt_at, grade, effective_grade, first_known_at, policy_version,'
                ' directory_version, attend_by, replaces, next_alarm_at, version, recalled_at,'
                ' recall_reason, begun, clock_from'),
            ('correction', 'referral, version, accepted_at'),
            ('delivery', 'id, referral, agency, channel, role, policy_row, view, state, attempt,'
                ' lease_until, available_at, next_attempt_at, clock_start, collect_by,'
                ' acknowledge_by, decide_by, next_alarm_at, refused_because, collected_at,'
                ' acknowledged_at, decided_at, returned_at, replaces, paused_at, version, kind,'
                ' follows, policy_version, recalled_at, standing, sent_on_at, undeliverable_at,'
                ' hand_over_at, stands_in_for, hold_warned_at'),
            ('answer', 'delivery, stage, number, at, outcome, reason, area, views_considered,'
                ' child_told'),
            ('event', 'id, at, kind, publisher, referral, delivery, agency'),
            ('alarm', 'subject, milestone, percent, planned_at, due_at, fired_at, referral,'
                ' delivery, task'),
            ('escalation', 'id, ladder, policy_version, milestone, referral, delivery,'
                ' organisation, due_at, began_at, state, step, next_step_at, acknowledged_at,'
                ' ended_at, ended_because, own_acknowledged_at, own_until, task'),
            ('notice', 'id, kind, organisation, channel, referral, delivery, escalation, state,'
                ' attempt, next_attempt_at, code, created_at, ended_at'),
            ('pause', 'id, delivery, reason, paused_at, resumed_at'),
            ('task', 'id, publisher, referral, version, code, grade, policy_version, opened_at,'
                ' due_at, next_alarm_at, state, settled_at'),
            ('refusal', 'id, publisher, size, reason, at'),
            ('presence', 'organisation, activity, last_at'),
            ('traffic', 'activity, hour, organisation, count'),
            ('silence', 'escalation, activity, reason, last_at, counted, expected'),
            ('latency_seen', 'level, at, agency, milestone, bucket, count, microseconds'),
            ('promise_seen', 'level, at, agency, milestone, due, withdrawn, in_time'),
            ('lead', 'name, holder, until')
        ) as listed (relation, columns)
    loop
        execute format('grant select (%s) on %I to %I', readable.columns, readable.relation, reader);
    end loop;
end
$$;
