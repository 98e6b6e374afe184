"""The referral broker: a post office for safeguarding referrals about online child abuse."""
