"""Part of ``broker doctor``: whether people of organisations can sign in to their inboxes."""

from __future__ import annotations

from broker.cli.database.findings import Failed
from broker.ledger.ledger import Ledger
from broker.settings import Settings


def look_at_sign_in(ledger: Ledger, settings: Settings) -> str:
    """Check that there is a provider where an organisation signs in with one. Raises Failed."""
    organisations = ledger.members.with_provider()
    if not organisations:
        return "people of organisations use links"
    if settings.provider is None:
        more = f" (and {len(organisations) - 1} more)" if len(organisations) > 1 else ""
        raise Failed(
            f"people of {organisations[0]}{more} sign in with the provider, and none is set",
            "set BROKER_OIDC_ISSUER and the rest, or let them use links again: "
            f"broker members sign-in {organisations[0]} links --by NAME",
        )
    noun = "organisation signs" if len(organisations) == 1 else "organisations sign"
    return f"{len(organisations)} {noun} in with the provider, the others with links"
