-- Add the organisation that publishes and gets a test referral. It is never committed: the
-- transaction around it is rolled back.
insert into organisation (code, name, kind, channel) values (%(code)s, %(code)s, 'test', 'mailbox')
