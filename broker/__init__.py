"""The referral broker: a post office for safeguarding referrals about online child abuse."""

__version__ = "0.1.0"
