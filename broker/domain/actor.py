"""How the history names who acted: a person, an organisation's key, or both."""

from __future__ import annotations

from broker.domain.ids import CredentialId

KEY = "key:"
PERSON = "person:"
AGENCY = "agency:"
_ON_BEHALF = f" {PERSON}"


def of_key(credential: CredentialId, name: str | None = None) -> str:
    """Return how the history names a key: it proved itself.

    ``name`` is the person whom the caller named with it. Nothing proves that, so it stands beside
    the key and never in its place.
    """
    return f"{KEY}{credential}{_ON_BEHALF}{name}" if name else f"{KEY}{credential}"


def key_of(actor: str) -> CredentialId | None:
    """Return the key that acted; None where it was not a key."""
    if not actor.startswith(KEY):
        return None
    return CredentialId(actor.removeprefix(KEY).partition(_ON_BEHALF)[0])


def name_of(actor: str) -> str:
    """Return the name of the person who acted, or whom a key named; empty without one."""
    if actor.startswith(KEY):
        return actor.partition(_ON_BEHALF)[2]
    return actor.removeprefix(PERSON) if actor.startswith(PERSON) else ""


def in_words(actor: str) -> str:
    """Return who acted, for people: the name, and the key where there was one."""
    key, name = key_of(actor), name_of(actor)
    if key is None:
        return name or actor
    return f"{name} (with the key {key})" if name else actor
