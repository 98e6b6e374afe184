"""Which referrals belong together: they name the same person, account, report, file or address.

What a referral names is kept as keyed hashes of identifiers and nothing else, so that nobody
without the key can ask about a person, and no content goes from one referral to another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any

import orjson

from broker.policy.language.yaml_nodes import Node
from schemas.referral import Referral
from schemas.spellings import says_nothing
from schemas.unknown import known

CODE = "linked-referral"
WORDS = (
    "Another referral names the same person, account, report, file or address, or says the same "
    "as this one. Nothing of it is shown here."
)
_SIZE = 16
_MOST = 64
_MOST_HASHES = 20
_MOST_DAYS = 3660
_NOT_COMPARED = ("reference", "times")


def read_link_window(node: Node) -> timedelta:
    """Read the policy's section ``links``: for how long referrals are linked."""
    fields = node.fields(("within_days",))
    days = fields["within_days"].number(1, _MOST_DAYS) if "within_days" in fields else 1
    return timedelta(days=days)


def link_marks(referral: Referral, document: Mapping[str, Any], key: bytes) -> tuple[bytes, ...]:
    """Return the marks of a referral: a keyed BLAKE2b of each identifier (RFC 7693), 64 at most."""
    texts = dict.fromkeys(islice(_identifiers(referral), _MOST - 1))
    marked = [*map(str.encode, texts), _content(document)]
    key = key[:64]
    return tuple([blake2b(text, key=key, digest_size=_SIZE).digest() for text in marked])


def _content(document: Mapping[str, Any]) -> bytes:
    """Return what is the same in the same document under a new reference."""
    compared = {name: part for name, part in document.items() if name not in _NOT_COMPARED}
    return orjson.dumps(compared, option=orjson.OPT_SORT_KEYS)


def _identifiers(referral: Referral) -> Iterator[str]:
    """Go through what a referral names; a form's way to leave a field blank names nothing."""
    online = referral.online
    for report in online.reports:
        yield from _named(f"report:{report.source}", report.id)
    for child in referral.children:
        if number := known(child.nhs_number):
            yield f"nhs:{_plain(number)}"
        if child.address and (uprn := (child.address.uprn or "").lstrip("0")):
            yield f"uprn:{uprn}"
    for identity in online.identities:
        yield from _named(f"user:{_plain(identity.platform or '')}", identity.username)
        yield from _named("email", identity.email)
        yield from _named("telephone", identity.telephone)
    for file in online.hashes[:_MOST_HASHES]:
        yield f"hash:{file.algorithm}:{file.value.casefold()}"


def _named(kind: str, text: str | None) -> Iterator[str]:
    if text and not says_nothing(text):
        yield f"{kind}:{_plain(text)}"


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
