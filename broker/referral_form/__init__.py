"""The pages with which people of a force without developers send referrals, correct and recall."""
