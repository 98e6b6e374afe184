-- Feeds have numbers of their own since 0033, and each event paid for this index. A cursor of the form
-- before it is looked up through the numbers.
-- run: outside a transaction
drop index concurrently if exists event_feed;
