"""How referrals come in."""
