"""Referrals to try the broker with: the shipped samples, and any number of invented ones.

Everything is fictional: names from the lists below, ``example.org`` addresses, telephone numbers
and IP addresses from the ranges kept for documentation. The mixture is that of an ordinary month
in one force: one in seven suspects works with children, one in ten is managed as an offender.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from broker.shipped import ROOT

SAMPLES = ROOT / "samples"

_STAFFORDSHIRE, _STOKE = "E10000028", "E06000021"
_SHROPSHIRE, _GLASGOW = "E06000051", "S12000049"
_AREAS = {_STAFFORDSHIRE: 46, _STOKE: 36, _SHROPSHIRE: 14, _GLASGOW: 4}
_TOWNS = dict(zip(_AREAS, ("Stafford", "Stoke-on-Trent", "Shrewsbury", "Glasgow"), strict=True))
_SCHOOLS = {_STOKE: "900001", _SHROPSHIRE: "900002", _STAFFORDSHIRE: "900003"}
_GRADES = {"immediate": 3, "very_high": 10, "high": 27, "medium": 38, "low": 22}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
_INVALID, _NOWHERE = 0.02, 0.01

_GIVEN = (
    *("Alder", "Briar", "Clover", "Damson", "Elder", "Fern", "Gorse", "Hazel", "Iris", "Juniper"),
    *("Linden", "Maple", "Nettle", "Olive", "Poppy", "Quince", "Rowan", "Sorrel", "Tansy", "Wren"),
)
_FAMILY = (
    *("Applegarth", "Brackenbury", "Coldwater", "Dunmore", "Ellershaw", "Fernsby", "Garside"),
    *("Holloway", "Inchbald", "Jessamy", "Kettlewell", "Larkrise", "Mallory", "Netherby"),
    *("Oakenshaw", "Pennywhistle", "Quillfeather", "Redfern", "Starling", "Thistlewood"),
)
_STREETS = ("Bottle Kiln Row", "Weaver's Ginnel", "Saggar Street", "Heron Weir", "Tithe Barn Yard")
_PLATFORMS = (
    ("Blocky Meadow", "gaming"),
    ("Chatterpond", "social"),
    ("Murmur", "messaging"),
    ("Parcelbox", "file_sharing"),
    ("Glowstage", "live_streaming"),
)
_STORIES = {
    "image_offence": "An account shared indecent images of children; its holder is known.",
    "grooming": "An adult who says that he is a child writes to the child every evening.",
    "sextortion": "The child is threatened with the publication of a picture unless money is paid.",
    "contact_abuse": "The child was met after months of messages; what happened is not yet clear.",
    "livestreaming": "The child was asked to undress before a camera while others watched.",
    "self_generated": "The child sent pictures to an account that said it was of the same age.",
}
_FACTS = (
    "Messages on the telephone were read with a parent present; they cover eleven days.",
    "The platform closed the account and reported it; the report gives one address and its port.",
    "The subscriber of the address lives in the same street, as the provider's answer shows.",
    "Two further accounts wrote the same words to the child within an hour.",
    "The upload took place at night, from a telephone, and was repeated on the following night.",
)
_CHILD_STATEMENTS = (
    "“I thought she was my age.”",
    "“I didn't tell anybody because I would lose my tablet.”",
    "“He said that he would send it to my whole class.”",
)
_NAMELESS = {"id": "child-1", "missing": {"unknown": "not_yet_known"}}
_GAPS = ("not_asked", "refused", "not_yet_known")


def shipped(*, now: datetime | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return the shipped samples with their names, in order of the names.

    With ``now``, every instant in a sample is moved by the same number of whole weeks, so that it
    was submitted within the week before and its weekdays stay as its case tells them.
    """
    samples = [
        (path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(SAMPLES.glob("*.json"))
    ]
    if now is None:
        return samples
    return [(name, _moved_by_weeks(sample, now)) for name, sample in samples]


def generate(seed: int, count: int, *, now: datetime) -> Iterator[dict[str, Any]]:
    """Make ``count`` referrals that were submitted shortly before ``now``.

    The same arguments give the same referrals. About one in fifty is invalid, one in a hundred
    has no area at all; references are unique for a seed.
    """
    dice = Random(seed)  # noqa: S311 - invented data, nothing secret
    for number in range(1, count + 1):
        yield _referral(dice, f"GEN-{seed}-{number:06d}", now)


def _moved_by_weeks(sample: dict[str, Any], now: datetime) -> dict[str, Any]:
    submitted = datetime.fromisoformat(sample["times"]["submitted_at"])
    weeks = timedelta(weeks=(now - submitted) // timedelta(weeks=1))
    moved: dict[str, Any] = json.loads(
        _INSTANT.sub(lambda at: _text(datetime.fromisoformat(at[0]) + weeks), json.dumps(sample))
    )
    return moved


def _referral(dice: Random, reference: str, now: datetime) -> dict[str, Any]:
    submitted = now - timedelta(minutes=dice.randrange(1, 30))
    document: dict[str, Any] = {
        "schema": "referral/1",
        "reference": reference,
        "referrer": _referrer(dice, reference),
        "handling": {"marking": "OFFICIAL-SENSITIVE"},
        "times": _times(dice, submitted),
        "grade": _grade(dice),
        **_people(dice, submitted),
        "concern": _concern(dice, submitted),
        "action_taken": [_action(dice, submitted)],
    }
    document["online"] = _online(dice, submitted)
    if _chance(dice, 0.08):
        document["handling"] |= _embargo(dice, now)
    return _invalid_at_times(dice, document, submitted)


def _invalid_at_times(
    dice: Random, document: dict[str, Any], submitted: datetime
) -> dict[str, Any]:
    fate = dice.random()
    if fate < _INVALID:
        dice.choice(_FAULTS)(document, submitted)
    elif fate < _INVALID + _NOWHERE:
        document |= {"children": [dict(_NAMELESS)], "household": [], "persons_posing_risk": []}
    return document


def _referrer(dice: Random, reference: str) -> dict[str, Any]:
    officer = f"DC {_name(dice)}"
    return {
        "name": officer,
        "role": "Detective Constable",
        "unit": "Online Child Abuse Team",
        "email": "online.team@staffordshire-police.example.org",
        "telephone": _telephone(dice),
        "occurrence_reference": f"OCC-{reference[4:]}",
        "officer_in_case": officer,
        "supervisor": f"DS {_name(dice)}",
    }


def _times(dice: Random, submitted: datetime) -> dict[str, str]:
    first_known = submitted - timedelta(hours=dice.randrange(2, 120))
    waited = submitted - first_known
    return {
        "first_known_at": _text(first_known),
        "child_identified_at": _text(first_known + waited * 0.5),
        "graded_at": _text(first_known + waited * 0.8),
        "submitted_at": _text(submitted),
    }


def _grade(dice: Random) -> dict[str, str]:
    level = _weighted(dice, _GRADES)
    reason = f"Judged {level.replace('_', ' ')} by contact, access to children and recency."
    return {"level": level, "reason": reason, "tool": "KIRAT", "graded_by": f"DS {_name(dice)}"}


def _people(dice: Random, submitted: datetime) -> dict[str, Any]:
    area, family = _weighted(dice, _AREAS), dice.choice(_FAMILY)
    ids = [f"child-{number}" for number in range(1, dice.choice((1, 1, 1, 2, 2, 3)) + 1)]
    suspects = [] if _chance(dice, 0.25) else [_suspect(dice, ids, area, submitted)]
    return {
        "children": [_child(dice, name, family, area, submitted) for name in ids],
        "household": [
            {
                "id": "parent",
                "given_name": dice.choice(_GIVEN),
                "family_name": family,
                "relationship": dice.choice(("mother", "father", "carer")),
                "children": ids,
                "parental_responsibility": True,
            }
        ],
        "persons_posing_risk": suspects,
    }


def _child(dice: Random, name: str, family: str, area: str, at: datetime) -> dict[str, Any]:
    child: dict[str, Any] = {
        "id": name,
        "given_name": dice.choice(_GIVEN),
        "family_name": family,
        "date_of_birth": _birth(dice, at, 3, 17),
        "sex": dice.choice(("female", "female", "male")),
        "ethnicity": {"code": "WBRI", "basis": "parent_stated"},
        "disability": [dice.choice(("NONE", "NONE", "NONE", "LD", "AUT"))],
        "language": "English",
        "interpreter_needed": False,
        "nhs_number": _nhs_number(dice),
        "address": _address(dice, area),
        "area": area,
        "looked_after": _chance(dice, 0.05),
        "protection_plan": _chance(dice, 0.05),
        "school": {"urn": _SCHOOLS[area]} if area in _SCHOOLS else {"name": "An invented school"},
        "lives_with": ["parent"],
        "missing": _missing(dice, at),
        "voice": _voice(dice, at),
    }
    return _varied(dice, child)


def _varied(dice: Random, child: dict[str, Any]) -> dict[str, Any]:
    if _chance(dice, 0.06):
        child["health"] = {"needs": [dice.choice(("self_harm", "mental_health", "injury"))]}
    for fact in ("ethnicity", "disability", "language", "voice"):
        if _chance(dice, 0.05):
            del child[fact]
        elif fact != "voice" and _chance(dice, 0.10):
            child[fact] = {"unknown": dice.choice(_GAPS)}
    return child


def _missing(dice: Random, at: datetime) -> dict[str, str]:
    if not _chance(dice, 0.04):
        return {"status": "not_missing"}
    since = at - timedelta(hours=dice.randrange(1, 20))
    return {"status": "missing", "since": _text(since), "reference": f"MIS-{dice.randrange(9999)}"}


def _voice(dice: Random, at: datetime) -> dict[str, str]:
    if _chance(dice, 0.2):
        return {"not_asked": "To speak to the child now would tell the suspect."}
    return {
        "said": dice.choice(_CHILD_STATEMENTS),
        "demeanour": dice.choice(("Quiet.", "Tearful.", "Calm, and glad to talk.")),
        "views": dice.choice(("Wants it to stop.", "Does not want the school to know.")),
        "spoken_to_at": _text(at - timedelta(hours=1)),
        "spoken_to_by": f"PC {_name(dice)}",
    }


def _suspect(dice: Random, ids: Sequence[str], area: str, at: datetime) -> dict[str, Any]:
    youngest, oldest = (13, 16) if _chance(dice, 0.06) else (19, 70)
    nature = dice.choice(("lives_with", "regular", "occasional", "online_only", "online_only"))
    suspect: dict[str, Any] = {
        "id": "suspect-1",
        "given_name": dice.choice(_GIVEN),
        "family_name": dice.choice(_FAMILY),
        "date_of_birth": _birth(dice, at, youngest, oldest),
        "sex": "male",
        "address": _address(dice, area),
        "area": area,
        "management": {"status": "none"},
        "contact": [{"child": name, "nature": nature} for name in ids],
    }
    if oldest > 18:
        suspect |= _adult_facts(dice)
    return suspect


def _adult_facts(dice: Random) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if _chance(dice, 0.15):
        kind = dice.choice(("employment", "employment", "volunteering", "foster_carer"))
        work_area = dice.choice((_STAFFORDSHIRE, _STOKE, _SHROPSHIRE))
        role = {"kind": kind, "title": "Coach", "area": work_area, "works_with_children": True}
        facts["roles"] = [role]
    if _chance(dice, 0.10):
        status = dice.choice(("registered_sex_offender", "on_licence", "community_order"))
        managed_by = dice.choice(("police", "probation"))
        facts["management"] = {"status": status, "managed_by": managed_by, "area": _STAFFORDSHIRE}
        facts["offence_history"] = "Convicted once of an offence of the same kind."
    return facts


def _online(dice: Random, at: datetime) -> dict[str, Any]:
    name, kind = dice.choice(_PLATFORMS)
    number = dice.randrange(10_000)
    event = {
        "address": f"192.0.2.{dice.randrange(1, 255)}",
        "port": dice.randrange(1024, 65_536),
        "at": _text(at - timedelta(days=5, minutes=number)),
        "event": dice.choice(("login", "upload", "message")),
    }
    return {
        "platforms": [{"name": name, "kind": kind}],
        "identities": [
            {"id": "account-1", "platform": name, "username": f"invented_{number}"},
            {"id": "account-2", "platform": name, "display_name": dice.choice(_GIVEN)},
        ],
        "ip_events": [event],
        "reports": [{"source": "NCMEC", "id": str(100_000_000 + number)}],
        "hashes": [{"algorithm": "sha256", "value": f"{dice.getrandbits(256):064x}"}],
        "image_counts": {"a": dice.randrange(3), "b": dice.randrange(9), "c": dice.randrange(60)},
    }


def _concern(dice: Random, at: datetime) -> dict[str, Any]:
    category = dice.choice(sorted(_STORIES))
    facts = [
        {"text": text, "at": _text(at - timedelta(hours=3)), "source": "Officer's notes"}
        for text in dice.sample(_FACTS, 3)
    ]
    judgement = "What was seen fits the pattern of this offence; access to other children is open."
    return {
        "category": category,
        "summary": f"{_STORIES[category]} {dice.choice(_FACTS)}",
        "domestic_abuse": _chance(dice, 0.1),
        "facts": facts,
        "third_party_reports": [
            {"text": "A parent noticed a change some weeks ago.", "reported_by": "A parent"}
        ],
        "judgements": [{"text": judgement, "made_by": f"DS {_name(dice)}"}],
    }


def _action(dice: Random, at: datetime) -> dict[str, str]:
    action = dice.choice(("Telephone seized", "Advice given to a parent", "Account preserved"))
    return {"action": action, "at": _text(at - timedelta(hours=1)), "by": f"PC {_name(dice)}"}


def _embargo(dice: Random, now: datetime) -> dict[str, Any]:
    officer = {"name": f"DC {_name(dice)}", "telephone": _telephone(dice)}
    return {
        "instructions": "Call the officer before anything else.",
        "embargo": {
            "until": _text(now + timedelta(hours=dice.randrange(2, 60))),
            "reason": "An arrest is planned.",
            "no_contact_with": ["family", "school"],
            "call_first": officer,
        },
    }


def _with_future_birth(document: dict[str, Any], at: datetime) -> None:
    document["children"][0]["date_of_birth"] = (at + timedelta(days=400)).date().isoformat()


def _with_mistyped_number(document: dict[str, Any], _: datetime) -> None:
    number = document["children"][0]["nhs_number"]
    document["children"][0]["nhs_number"] = number[:9] + str((int(number[9]) + 1) % 10)


def _with_unknown_field(document: dict[str, Any], _: datetime) -> None:
    document["children"][0]["shoe_size"] = 34


def _with_unknown_area(document: dict[str, Any], _: datetime) -> None:
    document["children"][0]["area"] = "E99999999"


def _without_reason(document: dict[str, Any], _: datetime) -> None:
    del document["grade"]["reason"]


_FAULTS: Sequence[Callable[[dict[str, Any], datetime], None]] = (
    *(_with_future_birth, _with_mistyped_number, _with_unknown_field),
    *(_with_unknown_area, _without_reason),
)


def _nhs_number(dice: Random) -> str:
    # From 999, a range that nobody is given.
    while True:
        digits = f"999{dice.randrange(1_000_000):06d}"
        total = sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True))
        check = (11 - total % 11) % 11
        if check < 10:
            return f"{digits}{check}"


def _birth(dice: Random, at: datetime, youngest: int, oldest: int) -> str:
    days = dice.randrange(youngest * 366, oldest * 365)
    return (at - timedelta(days=days)).date().isoformat()


def _address(dice: Random, area: str) -> dict[str, Any]:
    street = f"{dice.randrange(1, 90)} {dice.choice(_STREETS)}"
    return {"lines": [street, _TOWNS[area]], "postcode": f"ZZ{dice.randrange(1, 10)} 1AA"}


def _name(dice: Random) -> str:
    return f"{dice.choice(_GIVEN)} {dice.choice(_FAMILY)}"


def _telephone(dice: Random) -> str:
    return f"01632 960{dice.randrange(1000):03d}"


def _weighted(dice: Random, weights: dict[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def _chance(dice: Random, share: float) -> bool:
    return dice.random() < share


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
