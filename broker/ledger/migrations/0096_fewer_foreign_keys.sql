-- Have what new rows name be looked up once a statement (0095), and take away the foreign keys that
-- looked it up for each row. One table a statement, and no statement waits for a lock for long: what
-- wants the same lock queues behind it. The triggers keep what the keys guaranteed.
-- run: outside a transaction
-- squawk-ignore-file ban-drop-constraint
set lock_timeout = '500ms';

create or replace trigger referral_references after insert on referral
    referencing new table as new_rows
    for each statement execute function check_new_referrals();
create or replace trigger delivery_references after insert on delivery
    referencing new table as new_rows
    for each statement execute function check_new_deliveries();
create or replace trigger referral_content_references after insert on referral_content
    referencing new table as new_rows
    for each statement execute function check_named_referrals();
create or replace trigger delivery_reason_references after insert on delivery_reason
    referencing new table as new_rows
    for each statement execute function check_named_deliveries();
create or replace trigger answer_references after insert on answer
    referencing new table as new_rows
    for each statement execute function check_named_deliveries();

create or replace trigger referral_named before delete or update of id on referral
    for each row execute function
        keep_what_is_named('id', 'referral_content', 'referral', 'delivery', 'referral');
create or replace trigger delivery_named before delete or update of id on delivery
    for each row execute function
        keep_what_is_named('id', 'delivery_reason', 'delivery', 'answer', 'delivery');
create or replace trigger organisation_named before delete or update of code on organisation
    for each row execute function
        keep_what_is_named('code', 'referral', 'publisher', 'delivery', 'agency');
create or replace trigger policy_named before delete or update of version on policy
    for each row execute function keep_what_is_named('version', 'delivery', 'policy_version');

alter table referral drop constraint if exists referral_publisher_fkey;
alter table referral_content drop constraint if exists referral_content_referral_fkey;
alter table delivery
    drop constraint if exists delivery_referral_fkey,
    drop constraint if exists delivery_agency_fkey,
    drop constraint if exists delivery_policy_version_fkey;
alter table delivery_reason drop constraint if exists delivery_reason_delivery_fkey;
alter table answer drop constraint if exists answer_delivery_fkey;
