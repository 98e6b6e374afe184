-- What was answered, done, rung, refused or linked is history too: it can only grow.
do $$
declare
    history text;
begin
    foreach history in array array['answer', 'act', 'alarm', 'refusal', 'referral_link'] loop
        execute format('create trigger %I before update or delete on %I'
                       ' for each row execute function refuse_change()',
                       history || '_append_only', history);
        execute format('create trigger %I before truncate on %I'
                       ' for each statement execute function refuse_change()',
                       history || '_never_emptied', history);
    end loop;
end
$$;
